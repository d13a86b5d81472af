import DepotCore
import DepotWire
import HummingbirdCore
import NIOCore

extension FileServerRoutes {
    /// Passes objects on as they arrive.
    func upload(
        _ deposit: DepositID, _ body: IncomingBody, within reach: NameReach
    ) async throws -> Response {
        let declared = Int(clamping: body.declared ?? UInt64(WireLimits.batchBytesMax))
        body.takes(
            parts.budget.loan(
                upTo: min(declared, WireLimits.batchBytesMax), for: body.borrower))
        var upload = try await parts.deposits.upload(to: deposit)
        do {
            let objects = try await receive(body, &upload, within: reach)
            try await parts.deposits.finish(&upload)
            return try Response(json: StoredBody(objects: objects))
        } catch {
            parts.deposits.giveUp(upload)
            throw error
        }
    }

    private func receive(
        _ body: IncomingBody, _ upload: inout UploadFanout, within reach: NameReach
    ) async throws -> Int {
        var parser = ObjectFrameParser()
        var objects = 0
        let early = parts.earlyUploads.tryReserve(1)
        defer { withExtendedLifetime(early) {} }
        while let part = try await body.next() {
            try Self.refuse(larger: Self.bodyBytesMax, body)
            parser.append(part)
            while let event = try parser.next() {
                switch event {
                case .begin(let frame):
                    objects += 1
                    try await parts.deposits.begin(
                        try Self.chunk(frame), in: &upload, within: reach)
                case .content(let bytes):
                    upload.write(bytes)
                case .end:
                    upload.end()
                }
            }
            if early != nil { upload.flush() }
        }
        try parser.finish()
        return objects
    }

    /// A batch with its frames.
    private static let bodyBytesMax =
        WireLimits.batchBytesMax + WireLimits.batchObjectsMax * ObjectFrame.headerSize

    private static func refuse(larger limit: Int, _ body: IncomingBody) throws(DepotError) {
        guard max(body.received, body.declared ?? 0) > UInt64(limit) else { return }
        throw DepotError(
            .tooLarge, "a batch has at most \(WireLimits.batchBytesMax) bytes of content")
    }

    private static func chunk(_ frame: ObjectFrame) throws(DepotError) -> ChunkReference {
        guard frame.id.kind == .chunk, frame.status == .present else {
            throw DepotError(
                .invalidArgument, "a deposit takes chunks only", object: frame.id.hash.hex)
        }
        return try ChunkReference(id: frame.id.hash, length: frame.length)
    }
}
