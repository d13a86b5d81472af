import DepotCore
import DepotWire
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The body of a request, read once, by one task.
final class IncomingBody {
    /// What the client declared, if it did.
    let declared: UInt64?
    /// Whether the client waits to be asked for it.
    let expectsContinue: Bool
    /// Whether it was asked.
    var isInvited = false
    private(set) var received: UInt64 = 0
    private(set) var isOver: Bool
    private var iterator: RequestBody.AsyncIterator
    private let digest: String?
    private let path: String

    init(_ request: Request) {
        digest = HTTPField.Name(BodyDigest.header).flatMap { request.headers[$0] }
        path = request.uri.path
        declared = request.headers[.contentLength].flatMap { UInt64($0) }
        expectsContinue = request.headers[.expect]?.lowercased() == "100-continue"
        isOver = declared == 0 || declared == nil && request.headers[.transferEncoding] == nil
        iterator = request.body.makeAsyncIterator()
    }

    /// - Throws: `unreachable` where the connection ends before the body does.
    func next() async throws(DepotError) -> ByteBuffer? {
        if isOver { return nil }
        do {
            while let part = try await iterator.next() {
                received += UInt64(part.readableBytes)
                if part.readableBytes > 0 { return part }
            }
        } catch {
            throw DepotError(
                .unreachable, "the connection ended in the middle of the body", cause: error)
        }
        // The framework takes the end of a connection for the end of a body.
        if let declared, received < declared {
            throw DepotError(
                .unreachable,
                "the body was cut short: \(declared) bytes were declared, \(received) came")
        }
        isOver = true
        return nil
    }

    /// All of it, for bodies that are small.
    ///
    /// - Throws: `tooLarge`, without reading on; `unreachable` where it was changed on its way.
    func collect(atMost limit: Int) async throws(DepotError) -> ByteBuffer {
        try refuse(larger: limit)
        var whole = ByteBuffer()
        while var part = try await next() {
            guard whole.readableBytes + part.readableBytes <= limit else { throw Self.large(limit) }
            whole.writeBuffer(&part)
        }
        try BodyDigest.check(whole, against: digest, from: path)
        return whole
    }

    private func refuse(larger limit: Int) throws(DepotError) {
        if let declared, declared > UInt64(limit) { throw Self.large(limit) }
    }

    private static func large(_ limit: Int) -> DepotError {
        DepotError(.tooLarge, "this request's body may have \(limit) bytes at most")
    }

    /// Reads what nobody wanted, so that the next request on this connection can be found.
    ///
    /// - Throws: where that is too much, or will not come: the connection has to be cut.
    func drain(atMost limit: Int) async throws(DepotError) {
        if isOver { return }
        let end = received + UInt64(limit)
        if !expectsContinue || isInvited {
            while received < end {
                guard try await next() != nil else { return }
            }
        }
        throw DepotError(.tooLarge, "the rest of the body is not wanted")
    }
}
