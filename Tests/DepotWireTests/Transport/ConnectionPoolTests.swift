import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConnectionPoolTests {
    private let question = WireRequest(.GET, "/x")

    @Test func `requests follow one another over one connection`() async throws {
        try await ScriptedServer.run {
            try await $1.answerEverything()
        } _: { server in
            let transport = try server.transport(connections: 8)
            for number in 1...20 { #expect(try await transport.send(question).text == "\(number)") }
            #expect(server.accepted == 1)
        }
    }

    @Test func `what a request says is said`() async throws {
        try await ScriptedServer.run { _, connection in
            while let request = try await connection.message() {
                let headers = ["host", "authorization", "content-length", "x-own"]
                let values = headers.map { request.header($0) ?? "" }
                try await connection.send(
                    .answer("\(request.startLine)|\(values.joined(separator: "|"))"))
            }
        } _: { server in
            let request = WireRequest(
                .POST, "/a?b=c", headers: ["x-own": "y"], body: ByteBuffer(string: "four"))
            let answer = try await server.transport().send(request)
            #expect(
                answer.text == "POST /a?b=c HTTP/1.1|127.0.0.1:\(server.port)|"
                    + "Bearer token-of-the-wire-tests|4|y")
        }
    }

    @Test func `a server that wants to close has its way`() async throws {
        try await ScriptedServer.run { _, connection in
            _ = try await connection.message()
            try await connection.send(.answer("bye", headers: "connection: close\r\n"))
            _ = await connection.rest()
        } _: { server in
            let transport = try server.transport()
            for _ in 1...3 { #expect(try await transport.send(question).text == "bye") }
            #expect(server.accepted == 3)
        }
    }

    @Test func `a connection that the server closed is not used again`() async throws {
        let (closings, closed) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedServer.run { number, connection in
            guard number == 1 else { return try await connection.answerEverything() }
            _ = try await connection.message()
            try await connection.send(.answer("first"))
            connection.finish()
            // The client has noticed and closes its end, too.
            _ = await connection.rest()
            closed.yield()
        } _: { server in
            let transport = try server.transport()
            #expect(try await transport.send(question).text == "first")
            for await _ in closings { break }
            let exchange = try await transport.open(WireRequest(.PUT, "/x"), length: 1)
            try await exchange.write([ByteBuffer(integer: 1 as UInt8)])
            try await exchange.finish()
            #expect(try await exchange.head().status == .ok)
            while try await exchange.next() != nil {}
            #expect(server.accepted == 2)
        }
    }

    /// The server closes while the request is on its way: nothing was answered, and the client asks again.
    @Test func `a request that an idle connection swallowed is sent again`() async throws {
        try await ScriptedServer.run { number, connection in
            guard number.isMultiple(of: 2) == false else {
                return try await connection.answerEverything()
            }
            _ = try await connection.message()
            try await connection.send(.answer("once"))
            _ = try await connection.message()
        } _: { server in
            let transport = try server.transport()
            #expect(try await transport.send(question).text == "once")
            let again = WireRequest(.POST, "/x", body: ByteBuffer(string: "a body"))
            #expect(try await transport.send(again).text == "1")
            #expect(server.accepted == 2)
        }
    }

    @Test func `a new connection that is lost is not tried for ever`() async throws {
        try await ScriptedServer.run { _, connection in
            _ = try await connection.message()
        } _: { server in
            let transport = try server.transport()
            await expectError(.unreachable) { _ = try await transport.send(question) }
            #expect(server.accepted == 1)
        }
    }

    /// An answer to a question that nobody asked must not be taken for the next one's.
    @Test func `an answer too many is not the next request's`() async throws {
        try await ScriptedServer.run { number, connection in
            if number > 1 { return try await connection.answerEverything() }
            _ = try await connection.message()
            try await connection.send(.answer("asked") + .answer("unasked"))
            _ = await connection.rest()
        } _: { server in
            let transport = try server.transport()
            #expect(try await transport.send(question).text == "asked")
            #expect(try await transport.send(question).text == "1")
            #expect(server.accepted == 2)
        }
    }

    @Test func `there are never more connections than allowed`() async throws {
        try await ScriptedServer.run {
            try await $1.answerEverything()
        } _: { server in
            let transport = try server.transport(connections: 3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask { _ = try await transport.send(question) }
                }
                try await group.waitForAll()
            }
            #expect((1...3).contains(server.openMax))
            #expect(server.accepted == server.openMax)
        }
    }

    @Test func `who waits too long for a connection is told so`() async throws {
        try await ScriptedServer.run { number, connection in
            if number > 1 { return try await connection.answerEverything() }
            _ = await connection.rest()
        } _: { server in
            let transport = try server.transport(patience: .milliseconds(300))
            let exchange = try await transport.open(WireRequest(.PUT, "/x"))
            let error = await expectError(.busy) { _ = try await transport.send(question) }
            #expect(error?.message == "all 1 connections are in use; try again")
            exchange.cancel()
            exchange.cancel()
            let again = WireRequest(.GET, "/x", patience: .seconds(20))
            #expect(try await transport.send(again).text == "1")
        }
    }

    @Test func `an exchange that is forgotten keeps no connection`() async throws {
        try await ScriptedServer.run {
            try await $1.answerEverything()
        } _: { server in
            let transport = try server.transport()
            for _ in 1...3 { _ = try await transport.open(WireRequest(.PUT, "/x")) }
            #expect(try await transport.send(question).text == "1")
        }
    }

    @Test func `after the end nothing is sent, and who waits is told`() async throws {
        try await ScriptedServer.run { _, connection in
            _ = await connection.rest()
        } _: { server in
            let transport = try server.transport()
            let exchange = try await transport.open(WireRequest(.PUT, "/x"))
            let waiting = Task { try await transport.send(question) }
            for _ in 0..<1_000 { await Task.yield() }
            transport.shutDown()
            await expectError(.unreachable) { _ = try await waiting.value }
            let error = await expectError(.unreachable) { _ = try await transport.send(question) }
            #expect(error?.message == "the transport was shut down")
            exchange.cancel()
        }
    }
}
