import DepotCore
import DepotWire
import HummingbirdCore

/// Requests that look after what is stored: below `/v1/verifications`, and `/v1/coverage`,
/// `/v1/collections` and `/v1/receipts`.
enum UpkeepRequest: Sendable, Equatable {
    case startVerification
    case verification(VerificationID, after: Int)
    case stopVerification(VerificationID)
    case coverage(days: Int)
    case collect
    case proveReceipt

    var takesBody: Bool {
        switch self {
        case .startVerification, .collect, .proveReceipt: true
        case .verification, .stopVerification, .coverage: false
        }
    }

    var route: Route {
        switch self {
        case .startVerification: .startVerification
        case .verification: .verification
        case .stopVerification: .stopVerification
        case .coverage: .coverage
        case .collect: .collect
        case .proveReceipt: .proveReceipt
        }
    }

    /// - Parameter target: behind `/v1`.
    init(_ target: RequestTarget) throws {
        switch target.parts.first {
        case "verifications":
            self = try Self.verification(target.behind(1))
        case "coverage" where target.parts.count == 1:
            self = try target.choose([
                "GET": {
                    .coverage(days: try target.query.number("days", in: 1...3_650) ?? 30)
                }
            ])
        case "collections" where target.parts.count == 1:
            self = try target.choose(["POST": { .collect }])
        case "receipts" where target.parts.count == 1:
            self = try target.choose(["POST": { .proveReceipt }])
        default: throw target.unknown
        }
    }

    private static func verification(_ target: RequestTarget) throws -> UpkeepRequest {
        guard let first = target.parts.first else {
            return try target.choose(["POST": { .startVerification }])
        }
        let id: VerificationID = try target.id(first, "a verification's")
        guard target.parts.count == 1 else { throw target.unknown }
        return try target.choose([
            "GET": {
                .verification(id, after: try target.query.number("after", in: 0...Int.max) ?? 0)
            }, "DELETE": { .stopVerification(id) },
        ])
    }
}

extension FileServerRoutes {
    func answer(_ request: UpkeepRequest, _ exchange: Exchange) async throws -> Response {
        let (upkeep, body) = (parts.upkeep, exchange.body)
        switch request {
        case .startVerification:
            let asked = try await body.decode(VerifyBody.self)
            return try Response(
                status: .accepted, json: try await upkeep.verifications.start(asked))
        case .verification(let id, let after):
            return try Response(json: try upkeep.verifications.progress(of: id, after: after))
        case .stopVerification(let id):
            upkeep.verifications.stop(id)
            return .noContent
        case .coverage(let days):
            return try Response(json: try await upkeep.verifications.coverage(days: days))
        case .collect:
            let asked = try await body.decode(CollectBody.self)
            return try Response(json: try await upkeep.collection.collect(asked))
        case .proveReceipt:
            let receipt = try await body.decode(ReceiptBody.self)
            try exchange.caller.require(receipt.name)
            return try Response(json: try await upkeep.receipts.prove(receipt))
        }
    }
}
