import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

extension FileServerRoutes {
    func content(
        _ name: VersionName, isHead: Bool, _ exchange: Exchange
    ) async throws -> Response {
        let (asked, transfer) = (exchange.headers, exchange.transfer)
        let conditions = try RequestConditions(asked)
        let retrieval = RetrievalID.random()
        let file =
            isHead
            ? try await parts.contents.file(name)
            : try await parts.contents.open(name, retrieval)
        let version = FileVersion(file)
        let decision = ContentChoice(
            conditions: conditions, range: isHead ? nil : asked[.range],
            ifRange: asked[.ifRange]
        ).decide(size: file.size, version)
        var headers: HTTPFields = [.eTag: version.tag, .acceptRanges: "bytes"]
        headers.keepFromRunning(as: name.name)
        headers[.lastModified] = version.modified.flatMap(HTTPDate.text)
        switch decision {
        case .notModified, .unsatisfiable, .refused:
            if !isHead { await parts.contents.close(retrieval) }
            return Self.bodiless(decision, headers, of: file)
        case .whole:
            return try await send(
                0..<file.size, of: file, status: .ok, headers: headers,
                reading: isHead ? nil : (retrieval, transfer))
        case .part(let range):
            headers[.contentRange] =
                "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return try await send(
                range, of: file, status: .partialContent, headers: headers,
                reading: isHead ? nil : (retrieval, transfer))
        }
    }

    private static func bodiless(
        _ decision: ContentChoice.Verdict, _ headers: HTTPFields, of file: FileEntry
    ) -> Response {
        if decision == .refused { return PreconditionFailed(name: file.name).response }
        if decision == .notModified {
            var response = Response(status: .notModified, headers: headers)
            response.headers[.contentLength] = nil
            return response
        }
        var response = Response(
            DepotError(.invalidArgument, "the range lies outside of the file's \(file.size) bytes"))
        response.status = .rangeNotSatisfiable
        response.headers[.contentRange] = "bytes */\(file.size)"
        return response
    }

    /// - Parameter reading: the lease to read under, and for whom; `nil` where only the headers are
    ///   wanted.
    private func send(
        _ range: Range<UInt64>, of file: FileEntry, status: HTTPResponse.Status,
        headers: HTTPFields, reading: (retrieval: RetrievalID, transfer: Transfer)?
    ) async throws -> Response {
        var headers = headers
        headers[.contentType] = file.metadata.contentType ?? "application/octet-stream"
        headers[.contentLength] = String(range.upperBound - range.lowerBound)
        guard let reading else { return Response(status: status, headers: headers) }
        let transfer = reading.transfer
        let stream = try await parts.contents.begin(
            file, range, under: reading.retrieval, for: transfer.borrower)
        return Response(
            status: status, headers: headers,
            body: ResponseBody(contentLength: range.count) { writer in
                var output = writer
                try await stream.write(over: transfer) { try await output.write(contentsOf: $0) }
                try await output.finish(nil)
            })
    }
}
