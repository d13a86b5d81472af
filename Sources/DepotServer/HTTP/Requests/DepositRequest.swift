import DepotCore
import DepotWire
import HummingbirdCore

/// Requests below `/v1/deposits`.
enum DepositRequest: Sendable, Equatable {
    case open
    case negotiate(DepositID)
    case upload(DepositID)
    case barrier(DepositID)
    case commit(DepositID, asLines: Bool, makesDurable: Bool)
    case close(DepositID)

    var takesBody: Bool {
        switch self {
        case .open, .negotiate, .upload, .barrier, .commit: true
        case .close: false
        }
    }

    var route: Route {
        switch self {
        case .open: .openDeposit
        case .negotiate: .negotiate
        case .upload: .upload
        case .barrier: .barrier
        case .commit: .commit
        case .close: .closeDeposit
        }
    }

    init(_ target: RequestTarget) throws {
        guard let first = target.parts.first else {
            self = try target.choose(["POST": { .open }])
            return
        }
        let id: DepositID = try target.id(first, "a deposit's")
        self =
            switch (target.parts.dropFirst().first, target.parts.count) {
            case (nil, 1): try target.choose(["DELETE": { .close(id) }])
            case ("negotiation", 2): try target.choose(["POST": { .negotiate(id) }])
            case ("chunks", 2): try target.choose(["PUT": { .upload(id) }])
            case ("barrier", 2): try target.choose(["POST": { .barrier(id) }])
            case ("commits", 2):
                try target.choose([
                    "POST": {
                        .commit(
                            id, asLines: try target.query.flag("lines"),
                            makesDurable: try target.query.flag("durable"))
                    }
                ])
            default: throw target.unknown
            }
    }
}

extension FileServerRoutes {
    func answer(_ request: DepositRequest, _ exchange: Exchange) async throws -> Response {
        let (body, caller) = (exchange.body, exchange.caller)
        switch request {
        case .open:
            let opening = try await body.decode(OpenDepositBody.self)
            return try Response(
                json: try await parts.deposits.open(opening, for: body.borrower))
        case .negotiate(let deposit):
            let chunks = try await body.list(of: ChunkReference.self)
            return lacking(
                try await parts.deposits.negotiate(deposit, chunks, within: caller.reach))
        case .upload(let deposit):
            return try await upload(deposit, body, within: caller.reach)
        case .barrier(let deposit):
            let chunks = try await body.list(of: ChunkReference.self)
            return lacking(try await parts.deposits.barrier(deposit, chunks, within: caller.reach))
        case .commit(let deposit, let isLines, let makesDurable):
            let commit = try await commitBody(body, asLines: isLines)
            for file in commit.files { try caller.require(file.name) }
            exchange.audit.refused = commit.files.map(\.name)
            let answer = CommitAnswerBody(
                results: try await parts.deposits.commit(
                    deposit, commit.files(of: caller), makingDurable: makesDurable,
                    within: caller.reach))
            exchange.audit.take(commit, answer)
            return isLines ? try Response(lines: answer.lines()) : try Response(json: answer)
        case .close(let deposit):
            try await parts.deposits.close(deposit)
            return .noContent
        }
    }

    private func lacking(_ chunks: [ChunkReference]) -> Response {
        Response(binary: WireList.encode(chunks.map { LackingChunk($0) }))
    }

    private func commitBody(
        _ body: IncomingBody, asLines isLines: Bool
    ) async throws -> CommitBody {
        let commit =
            isLines
            ? try CommitBody(lines: try await body.collect(atMost: WireLimits.bodyBytesMax))
            : try await body.decode(CommitBody.self)
        guard commit.files.count <= WireLimits.commitFilesMax else {
            throw DepotError(
                .tooLarge,
                "one commit takes \(WireLimits.commitFilesMax) files, found \(commit.files.count)")
        }
        // Its clients deposit folders, and retrieve into them.
        for file in commit.files { _ = try PathName(file.name) }
        return commit
    }
}

extension CommitBody {
    /// As whoever asked may have them: one who may only append has every name be a new one.
    fileprivate func files(of caller: Caller) -> [File] {
        guard caller.scope < .write else { return files }
        return files.map { file in
            File(
                name: file.name, manifest: file.manifest, size: file.size,
                metadata: file.metadata, expecting: .absence)
        }
    }
}

extension AuditNote {
    fileprivate func take(_ commit: CommitBody, _ answer: CommitAnswerBody) {
        let results = zip(commit.files.map(\.name), answer.results)
        names = results.filter { $1.receipt != nil }.map(\.0)
        refused = results.filter { $1.receipt == nil }.map(\.0)
    }
}
