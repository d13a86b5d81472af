import DepotCore
import DepotWire
import HummingbirdCore

/// Requests below `/v1/retrievals`.
enum RetrievalRequest: Sendable, Equatable {
    case open(asLines: Bool)
    case read(RetrievalID)
    case close(RetrievalID)

    var takesBody: Bool {
        switch self {
        case .open, .read: true
        case .close: false
        }
    }

    var route: Route {
        switch self {
        case .open: .openRetrieval
        case .read: .readChunks
        case .close: .closeRetrieval
        }
    }

    init(_ target: RequestTarget) throws {
        guard let first = target.parts.first else {
            self = try target.choose(["POST": { .open(asLines: try target.query.flag("lines")) }])
            return
        }
        let id: RetrievalID = try target.id(first, "a retrieval's")
        self =
            switch (target.parts.dropFirst().first, target.parts.count) {
            case (nil, 1): try target.choose(["DELETE": { .close(id) }])
            case ("chunks", 2): try target.choose(["POST": { .read(id) }])
            default: throw target.unknown
            }
    }
}

extension FileServerRoutes {
    func answer(
        _ request: RetrievalRequest, _ exchange: Exchange
    ) async throws -> Response {
        switch request {
        case .open(let isLines):
            let opening = try await exchange.body.decode(OpenRetrievalBody.self)
            for name in opening.names { try exchange.caller.require(name) }
            let retrieval = try await parts.retrievals.open(opening)
            guard isLines else { return try Response(json: retrieval) }
            return Response(lines: try parts.retrievals.lines(retrieval))
        case .read(let retrieval):
            let requests = try await exchange.body.list(of: ReadRequest.self)
            exchange.body.isDone()
            let (answers, parcel) = try await parts.retrievals.read(
                retrieval, requests, for: exchange.transfer.borrower,
                within: exchange.caller.reach)
            return frames(answers, of: parcel, over: exchange.transfer)
        case .close(let retrieval):
            try await parts.retrievals.close(retrieval)
            return .noContent
        }
    }

    private func frames(
        _ answers: [RetrievalService.Answer], of parcel: ContentParcel,
        over transfer: Transfer
    ) -> Response {
        let length = answers.reduce(0) { $0 + $1.header.readableBytes + $1.length }
        return Response(
            status: .ok, headers: [.contentType: "application/octet-stream"],
            body: ResponseBody(contentLength: length) { writer in
                var output = writer
                transfer.lends { parcel.letGo() }
                try await parcel.write { try await output.write(contentsOf: $0) }
                transfer.lends(nil)
                try await output.finish(nil)
            })
    }
}
