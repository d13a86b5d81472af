import DepotClient
import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Synchronization
import Testing

/// Forgetting is not answered the second time as the first: whether the first can have been heard decides what the second
/// answer means. Deletions and changes of level have an id.
@Suite(.timeLimit(.minutes(1))) struct DeliveryTests {
    enum FirstTry: CaseIterable, Sendable {
        case unanswered, answeredByAnother, refusedAsBusy, none

        var mayHaveBeenHeard: Bool { self == .unanswered || self == .answeredByAnother }
    }

    private static func answer(_ code: String, _ status: String) -> String {
        let body = #"{"error":{"code":"\#(code)","message":"as scripted","object":"x"}}"#
        return
            "HTTP/1.1 \(status)\r\nconnection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func run(
        _ first: FirstTry, _ body: (FileServerClient) async throws -> Void
    ) async throws {
        try await ScriptedServer.run { number, connection in
            _ = try await connection.message()
            switch number == 1 ? first : .none {
            case .unanswered: break
            case .answeredByAnother:
                try await connection.send(answer("unreachable", "504 Gateway Timeout"))
            case .refusedAsBusy:
                try await connection.send(answer("busy", "429 Too Many Requests"))
            case .none: try await connection.send(answer("notFound", "404 Not Found"))
            }
            connection.finish()
        } _: { server in
            let transport = ChunkTransport(
                endpoint: Endpoint(host: "127.0.0.1", port: server.port), token: nil)
            try await body(FileServerClient(transport: transport))
        }
    }

    /// "deleted never-was", exit 0, because the first try had found a FileServer that was being started.
    @Test(arguments: FirstTry.allCases)
    func `what the FileServer does not find was never there`(first: FirstTry) async throws {
        try await Self.run(first) { client in
            await expectError(.notFound) { try await client.delete(try FileName("x")) }
        }
    }

    /// With it a FileServer knows a change that it has made before.
    @Test func `all tries of a change have one id, and each change has another`() async throws {
        let ids = Mutex<[String?]>([])
        try await ScriptedServer.run { number, connection in
            let message = try await connection.message()
            ids.withLock { $0.append(message?.header(FileServerRoute.request)) }
            let isFirst = number % 2 == 1
            try await connection.send(
                isFirst
                    ? Self.answer("unreachable", "504 Gateway Timeout")
                    : Self.answer("conflict", "409 Conflict"))
            connection.finish()
        } _: { server in
            let transport = ChunkTransport(
                endpoint: Endpoint(host: "127.0.0.1", port: server.port), token: nil)
            let client = FileServerClient(transport: transport)
            let name = try FileName("x")
            await expectError(.conflict) { try await client.delete(name) }
            await expectError(.conflict) {
                let body = ChangeLevelBody(level: .three, planOnly: false)
                _ = try await client.changeLevel(of: name, body)
            }
        }
        let found = ids.withLock { $0 }
        #expect(found.count == 4 && found[0] == found[1] && found[2] == found[3])
        #expect(found[0] != found[2] && found.allSatisfy { $0.flatMap { RequestID($0) } != nil })
    }

    @Test(arguments: FirstTry.allCases)
    func `what is no member may have been forgotten by a try before`(
        first: FirstTry
    ) async throws {
        try await Self.run(first) { client in
            let body = ForgetRequestBody(replica: "r", acceptLoss: false)
            await expectError(first.mayHaveBeenHeard ? .unreachable : .notFound) {
                _ = try await client.forget(body)
            }
        }
    }

    @Test func `what found no connection was heard by nobody`() async throws {
        // The port was free a moment ago, and nobody else is likely to want it now.
        let port = try await ScriptedServer.run({ _, _ in }, { $0.port })
        let transport = ChunkTransport(
            endpoint: Endpoint(host: "127.0.0.1", port: port), token: nil)
        let delivery = Delivery()
        for _ in 0..<3 {
            await expectError(.unreachable) {
                _ = try await transport.send(WireRequest(.DELETE, "/x", delivery: delivery))
            }
        }
        #expect(!delivery.mayBeRepeated)
    }
}
