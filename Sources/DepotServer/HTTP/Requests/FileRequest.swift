import DepotCluster
import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Requests below `/v1/files`.
enum FileRequest: Sendable, Equatable {
    case list(ListMoment, prefix: String, after: FileName?, limit: Int, asLines: Bool)
    case versions(FileName, before: CommitSequence?, limit: Int)
    case revert(FileName)
    case purge(FileName)
    case purgePlan(FileName, isRecursive: Bool)
    case lock(FileName, isBroken: Bool)
    case info(FileName, after: ChunkID?, limit: Int)
    case changeLevel(FileName)
    case content(VersionName, isHead: Bool)
    case put(FileName, level: ReplicationLevel, requireAll: Bool)
    case delete(FileName)

    var takesBody: Bool {
        switch self {
        case .changeLevel, .put, .revert, .lock: true
        case .list, .info, .content, .delete, .versions, .purge, .purgePlan: false
        }
    }

    var route: Route {
        switch self {
        case .list: .list
        case .versions: .versions
        case .revert: .revert
        case .purge: .purge
        case .purgePlan: .purgePlan
        case .lock(_, let isBroken): isBroken ? .breakLock : .lock
        case .info: .info
        case .changeLevel: .changeLevel
        case .content(_, let isHead): isHead ? .contentHead : .content
        case .put: .put
        case .delete: .delete
        }
    }

    /// The one that it is about; `nil` for a list.
    var name: FileName? {
        switch self {
        case .list: nil
        case .versions(let name, _, _), .revert(let name), .purge(let name),
            .purgePlan(let name, _), .lock(let name, _), .info(let name, _, _),
            .changeLevel(let name), .put(let name, _, _), .delete(let name):
            name
        case .content(let version, _): version.name
        }
    }

    init(_ target: RequestTarget) throws {
        let query = target.query
        guard !target.parts.isEmpty else {
            self = try target.choose([
                "GET": {
                    .list(
                        try query.moment(), prefix: query["prefix"] ?? "",
                        after: try query["after"].map { try FileName($0) },
                        limit: try query.limit(), asLines: try query.flag("lines"))
                }
            ])
            return
        }
        // All of the path is a name; and its last part may say what is wanted of the file before it.
        let ofFile = Self.choices(behind: target)
        guard !ofFile.isEmpty || !["GET", "HEAD", "POST"].contains(target.method) else {
            throw target.unknown
        }
        let ofName: [String: () throws -> FileRequest] = [
            "PUT": {
                .put(
                    try Self.name(target.parts), level: try query.level() ?? .three,
                    requireAll: try query.flag("requireAll"))
            },
            "DELETE": { .delete(try Self.name(target.parts)) },
        ]
        self = try target.choose(ofName.merging(ofFile) { $1 })
    }

    /// What the last part of the path lets one ask; empty where it is no verb.
    private static func choices(
        behind target: RequestTarget
    ) -> [String: () throws -> FileRequest] {
        guard target.parts.count > 1, let verb = target.parts.last else { return [:] }
        let (file, query) = (target.parts.dropLast(), target.query)
        let content = { (isHead: Bool) throws -> FileRequest in
            .content(
                VersionName(try name(file), try query.sequence("sequence")), isHead: isHead)
        }
        return switch verb {
        case "content": ["GET": { try content(false) }, "HEAD": { try content(true) }]
        case "versions":
            [
                "GET": {
                    .versions(
                        try name(file), before: try query.sequence("before"),
                        limit: try query.limit())
                }
            ]
        case "revert": ["POST": { .revert(try name(file)) }]
        case "purge":
            [
                "POST": { .purge(try name(file)) },
                "GET": { .purgePlan(try name(file), isRecursive: try query.flag("below")) },
            ]
        case "lock": ["POST": { .lock(try name(file), isBroken: try query.flag("break")) }]
        case "info":
            [
                "GET": {
                    .info(
                        try name(file), after: try query.chunk("after"), limit: try query.limit())
                }
            ]
        case "level": ["POST": { .changeLevel(try name(file)) }]
        default: [:]
        }
    }

    /// Decoded once, then checked: what is in a name after that is the name.
    private static func name(_ parts: ArraySlice<Substring>) throws(DepotError) -> FileName {
        try FileName(path: PercentEncoding.decode(parts.joined(separator: "/")))
    }
}

extension FileServerRoutes {
    func answer(_ request: FileRequest, _ exchange: Exchange) async throws -> Response {
        switch request {
        case .list(let moment, let prefix, let after, let limit, let asLines):
            let room = try await room(for: limit, over: exchange.transfer)
            let list = try await parts.versions.files(
                moment, prefix: prefix, after: after, limit: limit,
                within: exchange.caller.reach)
            guard asLines else { return try Response(json: list, in: room) }
            return Response(lines: try parts.versions.lines(list), in: room)
        case .versions(let name, let before, let limit):
            return try await page(of: limit, over: exchange.transfer) {
                try await parts.versions.list(name, before: before, limit: limit)
            }
        case .revert(let name):
            let revert = try await exchange.body.decode(RevertBody.self)
            return try Response(
                json: try await parts.versions.revert(
                    name, revert, request: try Self.requestID(exchange.headers)))
        case .purge(let name):
            return try Response(
                json: try await parts.retention.purge(
                    name, request: try Self.requestID(exchange.headers)))
        case .purgePlan(let name, let isRecursive):
            return try Response(
                json: try await parts.retention.purgePlan(name, isRecursive: isRecursive))
        case .lock(let name, let isBroken):
            let lock = try await exchange.body.decode(LockRequestBody.self)
            if lock.isHeld == false {
                try exchange.caller.require(.admin, to: "releasing a hold")
            }
            return try Response(
                json: try await parts.retention.lock(
                    name, lock, breaking: isBroken, request: try Self.requestID(exchange.headers)))
        case .info(let name, let after, let limit):
            return try await page(of: limit, over: exchange.transfer) {
                try await parts.files.info(
                    name, after: after, limit: limit, within: exchange.caller.reach)
            }
        case .changeLevel(let name):
            let change = try await exchange.body.decode(ChangeLevelBody.self)
            let done = try await parts.levels.change(
                name, change, request: try Self.requestID(exchange.headers))
            return try Response(
                json: exchange.caller.reach == .everything ? done : done.withoutCopies)
        case .content(let name, let isHead):
            return try await content(name, isHead: isHead, exchange)
        case .put(let name, let level, let requireAll):
            return try await put(name, at: level, requireAll: requireAll, exchange)
        case .delete(let name):
            try await parts.files.delete(
                name, RequestConditions(exchange.headers),
                request: try Self.requestID(exchange.headers))
            return .noContent
        }
    }

    static func requestID(_ headers: HTTPFields) throws(DepotError) -> RequestID? {
        guard let text = headers[own: .change] else { return nil }
        guard let request = RequestID(text) else {
            throw DepotError(
                .invalidArgument, "expected a UUID in \(FileServerRoute.request), found '\(text)'")
        }
        return request
    }

    /// An answer of so many entries. There is memory for it before it is made.
    private func page<Page: Encodable>(
        of limit: Int, over transfer: Transfer, _ make: () async throws -> Page
    ) async throws -> Response {
        let room = try await room(for: limit, over: transfer)
        return try Response(json: try await make(), in: room)
    }

    func room(for limit: Int, over transfer: Transfer) async throws -> MemoryReservation {
        let (budget, borrower) = (parts.bodyBudget, transfer.borrower)
        let room = try await budget.reserve(limit * FilePage.entrySize, for: borrower)
        transfer.takes { budget.isWanted(from: borrower) }
        return room
    }

    private func put(
        _ name: FileName, at level: ReplicationLevel, requireAll: Bool, _ exchange: Exchange
    ) async throws -> Response {
        let (headers, body) = (exchange.headers, exchange.body)
        guard headers[.contentRange] == nil else {
            throw DepotError(
                .invalidArgument, "a part of a file cannot be put; send all of it",
                object: name.text)
        }
        let asked = try RequestConditions(headers)
        let conditions = exchange.caller.scope < .write ? asked.forAbsence : asked
        let loan = parts.uploads.loan(for: body.borrower, size: body.declared)
        body.takes(loan)
        let receipt = try await parts.uploads.deposit(
            name, level: level, requireAll: requireAll,
            metadata: try FileMetadata(contentType: headers[.contentType]),
            size: body.declared, conditions: conditions, reach: exchange.caller.reach, loan: loan
        ) {
            try await body.next()
        }
        return try Response(status: .created, json: receipt)
    }
}
