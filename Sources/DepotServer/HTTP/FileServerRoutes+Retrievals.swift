import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

extension FileServerRoutes {
    func retrieve(_ endpoint: Endpoint, _ body: IncomingBody) async throws -> Response {
        switch endpoint {
        case .openRetrieval:
            let opening = try await body.decode(OpenRetrievalBody.self)
            return try Response(json: try await parts.retrievals.open(opening))
        case .read(let retrieval):
            let requests = try await body.list(of: ReadRequest.self)
            return frames(try await parts.retrievals.read(retrieval, requests))
        case .closeRetrieval(let retrieval):
            try await parts.retrievals.close(retrieval)
            return .noContent
        default:
            throw DepotError(.internalError, "not a retrieval's endpoint")
        }
    }

    private func frames(_ answers: [RetrievalService.Answer]) -> Response {
        let length = answers.reduce(0) { length, answer in
            let frames = 1 + (answer.found?.missing.count ?? 0)
            return length + frames * ObjectFrame.headerSize + (answer.found?.length ?? 0)
        }
        return Response(
            status: .ok, headers: [.contentType: "application/octet-stream"],
            body: ResponseBody(contentLength: length) { writer in
                for answer in answers {
                    var header = ByteBuffer()
                    for replica in answer.found?.missing ?? [] {
                        ObjectFrame(
                            id: .chunk(answer.chunk.id), status: .missing, length: 0,
                            replica: replica
                        ).write(to: &header)
                    }
                    Self.frame(answer).write(to: &header)
                    try await writer.write(contentsOf: [header] + (answer.found?.bytes ?? []))
                }
                try await writer.finish(nil)
            })
    }

    private static func frame(_ answer: RetrievalService.Answer) -> ObjectFrame {
        ObjectFrame(
            id: .chunk(answer.chunk.id), status: answer.found == nil ? .absent : .present,
            length: answer.found?.length ?? 0, replica: answer.found?.replica)
    }

    // MARK: Content

    func content(_ name: FileName, isHead: Bool, _ request: Request) async throws -> Response {
        let retrieval = RetrievalID.random()
        let file =
            isHead
            ? try await parts.contents.file(name)
            : try await parts.contents.open(name, retrieval)
        let tag = "\"\(file.manifest.id.hex)\""
        let modified = HTTPDate.text(
            file.metadata.modifiedNanoseconds.map { $0 / 1_000_000_000 } ?? file.time)
        let decision = ContentConditions(
            range: request.headers[.range], ifRange: request.headers[.ifRange],
            ifNoneMatch: request.headers[.ifNoneMatch]
        ).decide(size: file.size, tag: tag, modified: modified)
        var headers: HTTPFields = [.eTag: tag, .acceptRanges: "bytes"]
        headers[.lastModified] = modified
        switch decision {
        case .notModified, .unsatisfiable:
            if !isHead { await parts.contents.close(retrieval) }
            return Self.bodiless(decision, headers, size: file.size)
        case .whole:
            return try await send(file, 0..<file.size, .ok, headers, isHead ? nil : retrieval)
        case .part(let range):
            headers[.contentRange] =
                "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return try await send(file, range, .partialContent, headers, isHead ? nil : retrieval)
        }
    }

    private static func bodiless(
        _ decision: ContentConditions.Decision, _ headers: HTTPFields, size: UInt64
    ) -> Response {
        if decision == .notModified {
            var response = Response(status: .notModified, headers: headers)
            response.headers[.contentLength] = nil
            return response
        }
        var response = Response(
            DepotError(.invalidArgument, "the range lies outside of the file's \(size) bytes"))
        response.status = .rangeNotSatisfiable
        response.headers[.contentRange] = "bytes */\(size)"
        return response
    }

    /// - Parameter retrieval: the lease to read under; `nil` where only the headers are wanted.
    private func send(
        _ file: FileEntry, _ range: Range<UInt64>, _ status: HTTPResponse.Status,
        _ headers: HTTPFields, _ retrieval: RetrievalID?
    ) async throws -> Response {
        var headers = headers
        headers[.contentType] = file.metadata.contentType ?? "application/octet-stream"
        headers[.contentLength] = String(range.upperBound - range.lowerBound)
        guard let retrieval else { return Response(status: status, headers: headers) }
        let stream = try await parts.contents.begin(file, range, retrieval)
        return Response(
            status: status, headers: headers,
            body: ResponseBody(contentLength: range.count) { writer in
                var output = writer
                try await stream.write { try await output.write(contentsOf: $0) }
                try await output.finish(nil)
            })
    }
}
