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

    init(_ target: RequestTarget) throws {
        guard let first = target.parts.first else {
            self = try target.choose(["POST": .open])
            return
        }
        let id: DepositID = try target.id(first, "a deposit's")
        self =
            switch (target.parts.dropFirst().first, target.parts.count) {
            case (nil, 1): try target.choose(["DELETE": .close(id)])
            case ("negotiation", 2): try target.choose(["POST": .negotiate(id)])
            case ("chunks", 2): try target.choose(["PUT": .upload(id)])
            case ("barrier", 2): try target.choose(["POST": .barrier(id)])
            case ("commits", 2):
                try target.choose([
                    "POST": .commit(
                        id, asLines: try target.query.flag("lines"),
                        makesDurable: try target.query.flag("durable"))
                ])
            default: throw target.unknown
            }
    }
}

extension FileServerRoutes {
    func answer(_ request: DepositRequest, _ body: IncomingBody) async throws -> Response {
        switch request {
        case .open:
            let opening = try await body.decode(OpenDepositBody.self)
            return try Response(
                json: try await parts.deposits.open(opening, for: body.borrower))
        case .negotiate(let deposit):
            let chunks = try await body.list(of: ChunkReference.self)
            return lacking(try await parts.deposits.negotiate(deposit, chunks))
        case .upload(let deposit):
            return try await upload(deposit, body)
        case .barrier(let deposit):
            let chunks = try await body.list(of: ChunkReference.self)
            return lacking(try await parts.deposits.barrier(deposit, chunks))
        case .commit(let deposit, let isLines, let makesDurable):
            return try await commit(deposit, body, asLines: isLines, makingDurable: makesDurable)
        case .close(let deposit):
            try await parts.deposits.close(deposit)
            return .noContent
        }
    }

    private func lacking(_ chunks: [ChunkReference]) -> Response {
        Response(binary: WireList.encode(chunks.map { LackingChunk($0) }))
    }

    private func commit(
        _ deposit: DepositID, _ body: IncomingBody, asLines isLines: Bool,
        makingDurable makesDurable: Bool
    ) async throws -> Response {
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
        let answer = CommitAnswerBody(
            results: try await parts.deposits.commit(
                deposit, commit.files, makingDurable: makesDurable))
        return isLines ? try Response(lines: answer.lines()) : try Response(json: answer)
    }
}
