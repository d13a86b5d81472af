import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore

extension ScriptedServer {
    /// A transport to this server that shows a leak at the second request: it may have one connection.
    func transport(
        connections: Int = 1, patience: TimeAmount = .seconds(20)
    ) throws -> ChunkTransport {
        var configuration = TransportConfiguration()
        configuration.connectionsMax = connections
        configuration.patience = patience
        return ChunkTransport(
            endpoint: Endpoint(host: "127.0.0.1", port: port),
            token: try AccessToken("token-of-the-wire-tests"), configuration: configuration)
    }
}

extension RawConnection {
    /// Answers each request with its number on this connection.
    mutating func answerEverything() async throws {
        var count = 0
        while try await message() != nil {
            count += 1
            try await send(.answer("\(count)"))
        }
    }
}

extension String {
    static func answer(_ body: String, status: String = "200 OK", headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func failure(_ code: String, _ message: String, status: String) -> String {
        answer(
            #"{"error":{"code":"\#(code)","message":"\#(message)","object":"x"}}"#, status: status)
    }
}

extension WireAnswer {
    var text: String { String(buffer: body) }
}
