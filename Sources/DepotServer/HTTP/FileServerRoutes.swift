import DepotCore
import DepotWire
import HummingbirdCore
import NIOCore

/// Carries out what a request asks for.
struct FileServerRoutes: Sendable {
    let parts: FileServerParts
    let version: String

    func answer(
        _ endpoint: Endpoint, _ request: Request, _ body: IncomingBody
    ) async throws -> Response {
        switch endpoint {
        case .health:
            return try Response(json: HealthBody(status: .ok))
        case .status:
            return try Response(json: try await parts.files.status(version: version))
        case .openDeposit, .negotiate, .upload, .barrier, .commit, .closeDeposit:
            return try await deposit(endpoint, body)
        case .openRetrieval, .read, .closeRetrieval:
            return try await retrieve(endpoint, body)
        case .startVerification, .verification, .stopVerification, .coverage, .collect:
            return try await upkeep(endpoint, body)
        case .list(let prefix, let after, let limit):
            return try Response(
                json: try await parts.files.list(prefix: prefix, after: after, limit: limit))
        case .info(let name, let after, let limit):
            return try Response(
                json: try await parts.files.info(name, after: after, limit: limit))
        case .changeLevel(let name):
            let change = try await body.decode(ChangeLevelBody.self)
            return try Response(json: try await parts.levels.change(name, change))
        case .content(let name, let isHead):
            return try await content(name, isHead: isHead, request)
        case .put(let name, let level, let requireAll):
            return try await put(name, level, requireAll: requireAll, request, body)
        case .delete(let name):
            try await parts.files.delete(name)
            return .noContent
        case .membership(let endpoint):
            return try await answer(endpoint, body)
        case .proveReceipt:
            let receipt = try await body.decode(ReceiptBody.self)
            return try Response(json: try await parts.receipts.prove(receipt))
        }
    }

    private func put(
        _ name: FileName, _ level: ReplicationLevel, requireAll: Bool, _ request: Request,
        _ body: IncomingBody
    ) async throws -> Response {
        let receipt = try await parts.intake.deposit(
            name, level: level, requireAll: requireAll,
            metadata: try FileMetadata(contentType: request.headers[.contentType]),
            size: body.declared
        ) {
            try await body.next()
        }
        return try Response(status: .created, json: receipt)
    }
}
