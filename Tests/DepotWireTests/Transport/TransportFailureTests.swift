import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What a server can do wrong; each time the transport says so, in time, and keeps no connection for it.
@Suite(.timeLimit(.minutes(1))) struct TransportFailureTests {
    struct Failure: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: DepotError.Code
        let message: String
        let script: @Sendable (inout RawConnection) async throws -> Void
        /// After a whole answer the connection may be used again, unless it came before the request was whole.
        let isWhole: Bool

        init(
            _ what: String, _ code: DepotError.Code, _ message: String, isWhole: Bool = false,
            _ script: @escaping @Sendable (inout RawConnection) async throws -> Void
        ) {
            testDescription = what
            self.code = code
            self.message = message
            self.isWhole = isWhole
            self.script = script
        }
    }

    static let failures = [
        Failure(
            "ends without an answer", .unreachable,
            "the connection ended before the answer was whole"
        ) { _ = try await $0.message() },
        Failure(
            "ends in the middle of the head", .unreachable, "the connection failed"
        ) {
            _ = try await $0.message()
            try await $0.send("HTTP/1.1 200 OK\r\ncontent-")
        },
        Failure(
            "ends in the middle of the body", .unreachable, "the connection failed"
        ) {
            _ = try await $0.message()
            try await $0.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")
        },
        Failure("says what is no HTTP", .unreachable, "the connection failed") {
            _ = try await $0.message()
            try await $0.send("SSH-2.0-OpenSSH_9.6\r\n\r\n\u{0}\u{1}\u{2}")
            _ = await $0.rest()
        },
        Failure("is silent", .unreachable, "it did not answer within 1000 ms") {
            _ = await $0.rest()
        },
        Failure(
            "is silent in the middle", .unreachable,
            "the rest of its answer did not come within 1000 ms"
        ) {
            _ = try await $0.message()
            try await $0.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")
            _ = await $0.rest()
        },
        Failure(
            "answers more than is wanted", .tooLarge,
            "an answer of more than 1000 bytes came, which is more than fits"
        ) {
            _ = try await $0.message()
            try await $0.send(.answer(String(repeating: "x", count: 1_001)))
            _ = await $0.rest()
        },
        Failure(
            "answers what was changed on its way", .unreachable,
            "a body was changed on its way: it has not the SHA-256 that was sent with it",
            isWhole: true
        ) {
            _ = try await $0.message()
            let digest = BodyDigest.of(ByteBuffer(string: "1"))
            try await $0.send(
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\(BodyDigest.header): \(digest)\r\n\r\n3")
            try await $0.answerEverything()
        },
        Failure("answers another request", .unreachable, "the answer to another request came") {
            _ = try await $0.message()
            try await $0.send(
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\(WireExchange.header): 0\r\n\r\n1")
            try await $0.answerEverything()
        },
        Failure("announces what never comes", .unreachable, "it did not answer within 1000 ms") {
            _ = try await $0.message()
            try await $0.send("HTTP/1.1 100 Continue\r\n\r\n")
            _ = await $0.rest()
        },
        Failure("has a head without end", .unreachable, "the connection failed") {
            _ = try await $0.message()
            try await $0.send("HTTP/1.1 200 OK\r\nx: " + String(repeating: "x", count: 1 << 20))
            _ = await $0.rest()
        },
        Failure("reports an error of depot's", .leaseEnded, "open it again", isWhole: true) {
            _ = try await $0.message()
            try await $0.send(.failure("leaseEnded", "open it again", status: "410 Gone"))
            try await $0.answerEverything()
        },
        Failure(
            "is another program", .unreachable,
            "it answered HTTP 404, and not as depot does; is the address right?", isWhole: true
        ) {
            _ = try await $0.message()
            try await $0.send(.answer("<html>no</html>", status: "404 Not Found"))
            try await $0.answerEverything()
        },
        Failure(
            "wants another token, and is another program", .unauthorized,
            "it answered HTTP 401, and not as depot does; is the address right?", isWhole: true
        ) {
            _ = try await $0.message()
            try await $0.send(.answer("", status: "401 Unauthorized"))
            try await $0.answerEverything()
        },
    ]

    @Test(arguments: failures)
    func `a server that fails is named, and the next request finds a connection`(
        _ failure: Failure
    ) async throws {
        try await ScriptedServer.run { number, connection in
            if number == 1 {
                try await failure.script(&connection)
            } else {
                try await connection.answerEverything()
            }
        } _: { server in
            let transport = try server.transport()
            var request = WireRequest(.POST, "/x", body: ByteBuffer(string: "a body"))
            // Only silence is found out by waiting.
            if failure.message.contains("1000 ms") { request.patience = .seconds(1) }
            let error = await expectError(failure.code) {
                _ = try await transport.send(request, answerUpTo: 1_000)
            }
            #expect(error?.message == failure.message)
            // What an answer reports names an object of its own.
            let object = failure.code == .leaseEnded ? "x" : "\(transport.endpoint)"
            #expect(error?.object == object)
            request.patience = nil
            #expect(try await transport.send(request).text == "1")
            #expect(server.accepted == 2 || failure.isWhole)
        }
    }

    @Test func `an address where nobody listens is named`() async throws {
        // The port was free a moment ago, and nobody else is likely to want it now.
        let port = try await ScriptedServer.run({ _, _ in }, { $0.port })
        let transport = ChunkTransport(
            endpoint: Endpoint(host: "127.0.0.1", port: port), token: nil)
        let error = await expectError(.unreachable) {
            _ = try await transport.send(WireRequest(.GET, "/"))
        }
        #expect(
            error?.message
                == "no connection (Connection refused); is it running, and is the address "
                + "right?")
        #expect(error?.object == "http://127.0.0.1:\(port)")
    }

    @Test func `a server that takes no more bytes is given up`() async throws {
        try await ScriptedServer.run { number, connection in
            if number == 1 {
                try await Task.sleep(for: .seconds(600))
            } else {
                try await connection.answerEverything()
            }
        } _: { server in
            let transport = try server.transport()
            let request = WireRequest(.PUT, "/x", patience: .seconds(1))
            let exchange = try await transport.open(request)
            let part = ByteBuffer(repeating: 1, count: 1 << 20)
            // More than the buffers of both kernels and of the scripted server take.
            let error = await expectError(.unreachable) {
                for _ in 0..<200 { try await exchange.write([part]) }
            }
            #expect(error?.message == "it takes no more bytes within 1000 ms")
            #expect(try await transport.send(WireRequest(.GET, "/x")).text == "1")
        }
    }

    /// The server has not read the body, and the error is what counts, not that the rest found no way.
    @Test(arguments: [true, false])
    func `an answer that comes early ends the request`(staysOpen: Bool) async throws {
        try await ScriptedServer.run { number, connection in
            if number > 1 { return try await connection.answerEverything() }
            _ = await connection.head()
            try await connection.send(
                .failure("storageFull", "no room", status: "507 Insufficient Storage"))
            if staysOpen {
                _ = await connection.rest()
            } else {
                connection.finish()
                _ = await connection.rest()
            }
        } _: { server in
            let transport = try server.transport()
            let exchange = try await transport.open(WireRequest(.PUT, "/x"))
            let part = ByteBuffer(repeating: 1, count: 64 << 10)
            let error = await expectError(.storageFull) {
                while true { try await exchange.write([part]) }
            }
            #expect(error?.message == "no room")
            // Half of a request has gone over that connection.
            #expect(try await transport.send(WireRequest(.GET, "/x")).text == "1")
            #expect(server.accepted == 2)
        }
    }

    @Test func `who gives up waiting for an answer is let go at once`() async throws {
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedServer.run { number, connection in
            if number > 1 { return try await connection.answerEverything() }
            _ = await connection.rest()
            ended.yield()
        } _: { server in
            let transport = try server.transport(patience: .seconds(600))
            let asking = Task { try await transport.send(WireRequest(.GET, "/x")) }
            try await eventually("it connects") { server.accepted == 1 }
            asking.cancel()
            await expectError(.unreachable) { _ = try await asking.value }
            for await _ in ends { break }
            #expect(try await transport.send(WireRequest(.GET, "/x")).text == "1")
        }
    }

    @Test func `an announcement is not the answer`() async throws {
        try await ScriptedServer.run { _, connection in
            _ = try await connection.message()
            for status in ["100 Continue", "102 Processing"] {
                try await connection.send("HTTP/1.1 \(status)\r\n\r\n")
            }
            try await connection.send(.answer("it"))
            _ = await connection.rest()
        } _: { server in
            let answer = try await server.transport().send(WireRequest(.GET, "/"))
            #expect(answer.text == "it")
        }
    }
}
