import DepotClient
import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Deletions and forgetting are not answered the second time as the first. Whether the first can have been heard decides what
/// the second answer means.
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
        _ first: FirstTry, then second: [String] = [answer("notFound", "404 Not Found")],
        _ body: (FileServerClient) async throws -> Void
    ) async throws {
        try await ScriptedServer.run { number, connection in
            _ = try await connection.message()
            let place = number - (first == .none ? 1 : 2)
            switch place < 0 ? first : .none {
            case .unanswered: break
            case .answeredByAnother:
                try await connection.send(answer("unreachable", "504 Gateway Timeout"))
            case .refusedAsBusy:
                try await connection.send(answer("busy", "429 Too Many Requests"))
            case .none: try await connection.send(second[min(place, second.count - 1)])
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
    func `what is not found was deleted by a try before, if that can have been heard`(
        first: FirstTry
    ) async throws {
        try await Self.run(first) { client in
            let name = try FileName("x")
            if first.mayHaveBeenHeard {
                try await client.delete(name)
            } else {
                await expectError(.notFound) { try await client.delete(name) }
            }
        }
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

    /// The level was changed, the answer was lost, and the second try found that something had been committed: itself.
    @Test(arguments: FirstTry.allCases)
    func `a change of level that met its own first try is asked for once more`(
        first: FirstTry
    ) async throws {
        let (two, three) = (try ReplicationLevel(2), ReplicationLevel.three)
        let done = LevelChangeBody(
            name: try FileName("x"), from: two, to: three, copied: 1, dropped: 0, pinned: 0,
            lacking: 0, bytesCopied: 1, planOnly: false, replicas: [])
        let text = String(buffer: try WireJSON.encode(done))
        let answers = [
            Self.answer("conflict", "409 Conflict"),
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: \(text.utf8.count)\r\n\r\n\(text)",
        ]
        try await Self.run(first, then: answers) { client in
            let (name, body) = (done.name, ChangeLevelBody(level: three, planOnly: false))
            if first.mayHaveBeenHeard {
                let change = try await client.changeLevel(of: name, body)
                #expect(change.copied == 1)
            } else {
                await expectError(.conflict) {
                    _ = try await client.changeLevel(of: name, body)
                }
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
