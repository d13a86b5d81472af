import DepotCore
import DepotWire
import HummingbirdCore

/// What a request asks for: its method and path, parsed.
enum Endpoint: Sendable, Equatable {
    case health
    case status
    case openDeposit
    case negotiate(DepositID)
    case upload(DepositID)
    case barrier(DepositID)
    case commit(DepositID)
    case closeDeposit(DepositID)
    case openRetrieval
    case read(RetrievalID)
    case closeRetrieval(RetrievalID)
    case list(prefix: String, after: FileName?, limit: Int)
    case info(FileName, after: ChunkID?, limit: Int)
    case changeLevel(FileName)
    case content(FileName, isHead: Bool)
    case put(FileName, level: ReplicationLevel, requireAll: Bool)
    case delete(FileName)
    case startVerification
    case verification(VerificationID, after: Int)
    case stopVerification(VerificationID)
    case coverage(days: Int)
    case collect
    case membership(MembershipEndpoint)
    case proveReceipt

    var takesBody: Bool {
        switch self {
        case .openDeposit, .negotiate, .upload, .barrier, .commit, .openRetrieval, .read,
            .changeLevel, .put, .startVerification, .collect:
            true
        case .proveReceipt: true
        case .membership(let endpoint): endpoint.takesBody
        case .health, .status, .closeDeposit, .closeRetrieval, .list, .info, .content, .delete,
            .verification, .stopVerification, .coverage:
            false
        }
    }

    /// - Throws: `notFound` for a path that nothing is at; `MethodNotAllowed`; `invalidArgument` for a name, an
    ///   id or a parameter that is none.
    init(method: String, uri: URI) throws {
        let query = try QueryParameters(uri.query)
        let parts = uri.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        self =
            switch (parts.first, parts.dropFirst().first) {
            case ("health", nil): try Self.one(method, ["GET": .health])
            case ("v1", "status") where parts.count == 2: try Self.one(method, ["GET": .status])
            case ("v1", "deposits"): try Self.deposits(method, parts.dropFirst(2), uri)
            case ("v1", "retrievals"): try Self.retrievals(method, parts.dropFirst(2), uri)
            case ("v1", "verifications"):
                try Self.verifications(method, parts.dropFirst(2), uri, query)
            case ("v1", "coverage") where parts.count == 2:
                try Self.one(
                    method,
                    ["GET": .coverage(days: try query.number("days", in: 1...3_650) ?? 30)])
            case ("v1", "collections") where parts.count == 2:
                try Self.one(method, ["POST": .collect])
            case ("v1", "files"): try Self.files(method, parts.dropFirst(2), uri, query)
            case ("v1", "receipts") where parts.count == 2:
                try Self.one(method, ["POST": .proveReceipt])
            case ("v1", "replicas"): try Self.membership(method, parts.dropFirst(2), uri, query)
            default: throw Self.unknown(uri)
            }
    }

    private static func membership(
        _ method: String, _ parts: ArraySlice<Substring>, _ uri: URI, _ query: QueryParameters
    ) throws -> Endpoint {
        guard
            let endpoint = try MembershipEndpoint(method: method, parts: parts, query: query)
        else { throw unknown(uri) }
        return .membership(endpoint)
    }

    private static func unknown(_ uri: URI) -> DepotError {
        DepotError(
            .notFound, "there is nothing at this path of a FileServer",
            object: String(uri.path.prefix(200)))
    }

    private static func one(
        _ method: String, _ choices: [String: Endpoint]
    ) throws(MethodNotAllowed) -> Endpoint {
        guard let found = choices[method] else {
            throw MethodNotAllowed(method: method, allowed: choices.keys.sorted())
        }
        return found
    }

    private static func deposits(
        _ method: String, _ parts: ArraySlice<Substring>, _ uri: URI
    ) throws -> Endpoint {
        guard let first = parts.first else { return try one(method, ["POST": .openDeposit]) }
        guard let id = DepositID(first) else { throw notID(first, "a deposit's") }
        switch (parts.dropFirst().first, parts.count) {
        case (nil, 1): return try one(method, ["DELETE": .closeDeposit(id)])
        case ("negotiation", 2): return try one(method, ["POST": .negotiate(id)])
        case ("chunks", 2): return try one(method, ["PUT": .upload(id)])
        case ("barrier", 2): return try one(method, ["POST": .barrier(id)])
        case ("commits", 2): return try one(method, ["POST": .commit(id)])
        default: throw unknown(uri)
        }
    }

    private static func retrievals(
        _ method: String, _ parts: ArraySlice<Substring>, _ uri: URI
    ) throws -> Endpoint {
        guard let first = parts.first else { return try one(method, ["POST": .openRetrieval]) }
        guard let id = RetrievalID(first) else { throw notID(first, "a retrieval's") }
        switch (parts.dropFirst().first, parts.count) {
        case (nil, 1): return try one(method, ["DELETE": .closeRetrieval(id)])
        case ("chunks", 2): return try one(method, ["POST": .read(id)])
        default: throw unknown(uri)
        }
    }

    private static func verifications(
        _ method: String, _ parts: ArraySlice<Substring>, _ uri: URI, _ query: QueryParameters
    ) throws -> Endpoint {
        guard let first = parts.first else { return try one(method, ["POST": .startVerification]) }
        guard let id = VerificationID(first) else { throw notID(first, "a verification's") }
        guard parts.count == 1 else { throw unknown(uri) }
        let after = try query.number("after", in: 0...Int.max) ?? 0
        return try one(
            method, ["GET": .verification(id, after: after), "DELETE": .stopVerification(id)])
    }

    private static func notID(_ text: Substring, _ whose: String) -> DepotError {
        DepotError(
            .invalidArgument, "not \(whose) id: expected a UUID", object: String(text.prefix(80)))
    }

    private static func files(
        _ method: String, _ parts: ArraySlice<Substring>, _ uri: URI, _ query: QueryParameters
    ) throws -> Endpoint {
        guard !parts.isEmpty else {
            guard method == "GET" else { throw MethodNotAllowed(method: method, allowed: ["GET"]) }
            return .list(
                prefix: query["prefix"] ?? "", after: try query["after"].map { try FileName($0) },
                limit: try query.limit())
        }
        switch method {
        case "PUT":
            return .put(
                try name(parts), level: try query.level() ?? .three,
                requireAll: try query.flag("requireAll"))
        case "DELETE":
            return .delete(try name(parts))
        case "GET", "HEAD", "POST":
            return try verb(method, parts, uri, query)
        default:
            throw MethodNotAllowed(
                method: method, allowed: ["DELETE", "GET", "HEAD", "POST", "PUT"])
        }
    }

    /// The last part of the path says what is wanted of the file before it.
    private static func verb(
        _ method: String, _ parts: ArraySlice<Substring>, _ uri: URI, _ query: QueryParameters
    ) throws -> Endpoint {
        guard parts.count > 1, let verb = parts.last else { throw unknown(uri) }
        let file = parts.dropLast()
        switch verb {
        case "content":
            return try one(
                method,
                [
                    "GET": .content(try name(file), isHead: false),
                    "HEAD": .content(try name(file), isHead: true),
                ])
        case "info":
            return try one(
                method,
                [
                    "GET": .info(
                        try name(file), after: try query.chunk("after"), limit: try query.limit())
                ])
        case "level":
            return try one(method, ["POST": .changeLevel(try name(file))])
        default:
            throw unknown(uri)
        }
    }

    /// Decoded once, then checked: what is in a name after that is the name.
    private static func name(_ parts: ArraySlice<Substring>) throws(DepotError) -> FileName {
        try FileName(PercentEncoding.decode(parts.joined(separator: "/")))
    }
}
