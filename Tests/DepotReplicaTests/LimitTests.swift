import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Memory, connections and time that one replica gives to all that come.
@Suite(.timeLimit(.minutes(1))) struct LimitTests {
    static let half = Limits.chunkSizeMax / 2

    /// Declares an object without sending it, and holds its memory so long as the connection lasts.
    private func declare(
        _ length: Int, on connection: RawConnection, seed: UInt64
    ) async throws {
        var request = PlainRequest.put(
            .frame(SampleObjects.chunk(seed, size: 10).id, length: length))
        request.declared = ObjectFrame.headerSize + length
        try await connection.send(request.bytes)
    }

    @Test func `an upload waits until there is memory for it`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) {
            $0.memory = Limits.chunkSizeMax
            $0.memoryPatience = .seconds(40)
        } _: { replica in
            let large = VerifiedObject.large
            let waiting = try await RawConnection.open(port: replica.port) { connection in
                try await declare(1, on: connection, seed: 1)
                try await untilBytesAreRead(replica)
                let waiting = Task { try await replica.answer(to: .put(.frames(of: [large]))) }
                try await untilBytesAreRead(replica)
                #expect(memory.held.isEmpty)
                return waiting
            }
            // The one that held it is gone.
            #expect(try await waiting.value.map(\.status) == 204)
            #expect(memory.held == [large.id])
        }
    }

    @Test func `who waits too long for memory is told to come again`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) {
            $0.memory = Limits.chunkSizeMax
            $0.memoryPatience = .milliseconds(100)
        } _: { replica in
            let large = VerifiedObject.large
            try await RawConnection.open(port: replica.port) { connection in
                try await declare(1, on: connection, seed: 1)
                try await eventually("the memory is short") {
                    let answer = try await replica.answer(to: .put(.frames(of: [large])))
                    #expect(answer?.status == 204 || answer?.error?.code == .busy)
                    return answer?.status == 429
                }
                // Questions need none of it.
                let list = WireList.encode([large.id])
                let vouch = PlainRequest("POST", "/r1/vouch", body: list)
                #expect(try await replica.answer(to: vouch).map(\.status) == 200)
            }
        }
    }

    /// Lets the replica's event loops go round, so that they have seen what was sent before. The tests are right
    /// without it, but say less.
    private func untilBytesAreRead(_ replica: TestReplica) async throws {
        for _ in 0..<50 { _ = try await replica.answer(to: PlainRequest("GET", "/health")) }
    }

    /// Small objects that wait to be let in were kept back while the next one waited for the very memory that
    /// they took; all uploads of a busy moment could end so.
    @Test func `what waits to be let in does not wait for itself`() async throws {
        let memory = MemoryReplica()
        let storage = FaultyReplica(memory)
        try await TestReplica.run(storage) {
            $0.memory = 1 << 20
            $0.memoryPatience = .seconds(10)
        } _: { replica in
            // The question whose cluster it is takes its time.
            storage.inject(.hang, into: .standing)
            let objects = (1...5 as ClosedRange<UInt8>).map {
                VerifiedObject.plain($0, size: 400_000)
            }
            let uploading = Task { try await replica.answer(to: .put(.frames(of: objects))) }
            try await eventually("it is asked") { storage.hangingCount == 1 }
            try await untilBytesAreRead(replica)
            storage.release()
            #expect(try await uploading.value.map(\.status) == 204)
            #expect(memory.held == Set(objects.map(\.id)))
        }
    }

    @Test func `uploads of many at once all get their turn`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) {
            $0.memory = Limits.chunkSizeMax
        } _: { replica in
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for first in stride(from: 0, to: 48, by: 4) as StrideTo<UInt8> {
                    let objects = (first..<first + 4).map {
                        VerifiedObject.plain($0, size: 700_000)
                    }
                    group.addTask {
                        try await replica.answer(to: .put(.frames(of: objects))).map(\.status)
                    }
                }
                for try await status in group { #expect(status == 204) }
            }
            #expect(memory.held.count == 48)
        }
    }

    @Test func `an object of more than all memory is refused at once`() async throws {
        try await TestReplica.run(MemoryReplica()) {
            $0.memory = 1_000
            $0.memoryPatience = .seconds(600)
        } _: { replica in
            let answer = try await replica.answer(
                to: .put(.frames(of: [SampleObjects.chunk(1, size: 1_001)])))
            #expect(answer?.status == 413)
        }
    }

    @Test func `the connection that was idle for longest makes place for a new one`() async throws {
        try await TestReplica.run(MemoryReplica()) {
            $0.connectionsMax = 2
        } _: { replica in
            let request = PlainRequest("GET", "/health")
            try await RawConnection.open(port: replica.port) { first in
                try await first.send(request.bytes)
                #expect(try await first.message().map(\.status) == 200)
                #expect(try await replica.answer(to: request)?.status == 200)
                _ = await first.rest()
            }
        }
    }

    @Test func `while all connections are asking, one more is told to come again`() async throws {
        let storage = FaultyReplica(MemoryReplica())
        try await TestReplica.run(storage) {
            $0.connectionsMax = 2
        } _: { replica in
            storage.inject(.hang, into: .vouch)
            let list = WireList.encode([VerifiedObject.plain(1, size: 10).id])
            let asking = Task {
                try await replica.answer(to: PlainRequest("POST", "/r1/vouch", body: list))
            }
            try await eventually("it asks") { storage.hangingCount == 1 }
            let other = try await replica.answer(to: PlainRequest("GET", "/r1/standing"))
            #expect(other?.status == 429)
            #expect(other?.error?.code == .busy)
            storage.release()
            #expect(try await asking.value?.status == 200)
        }
    }

    /// 512 silent connections locked the FileServer out of a replica.
    @Test func `silent connections lock nobody out`() async throws {
        try await TestReplica.run(MemoryReplica()) {
            $0.connectionsMax = 16
        } _: { replica in
            try await Self.withSilent(40, replica.port) {
                let remote = try replica.remote()
                for _ in 0..<3 { _ = try await remote.standing() }
                #expect(
                    try await replica.answer(to: PlainRequest("GET", "/health"))?.status == 200)
            }
        }
    }

    private static func withSilent(
        _ count: Int, _ port: Int, _ body: () async throws -> Void
    ) async throws {
        guard count > 0 else { return try await body() }
        try await RawConnection.open(port: port) { _ in
            try await withSilent(count - 1, port, body)
        }
    }

    /// 1 GiB of it was read in half a second, of a sender without a token.
    @Test func `the body of a request that was refused is not read for ever`() async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(
                    "PUT /r1/objects HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                let chunk = ByteBuffer(
                    string: "100000\r\n" + String(repeating: "x", count: 1 << 20) + "\r\n")
                var sent = 0
                do {
                    while sent < 256 {
                        try await connection.send(chunk)
                        sent += 1
                    }
                } catch {
                    // Cut, as it should be.
                }
                #expect(sent < 64)
                _ = await connection.rest()
            }
        }
    }

    @Test(arguments: ["", "GET /hea", "PUT /r1/objects HTTP/1.1\r\nhost: x\r\n"])
    func `a connection on which nothing moves is closed`(beginning: String) async throws {
        try await TestReplica.run(MemoryReplica()) {
            $0.idleLimit = .milliseconds(200)
        } _: { replica in
            try await RawConnection.open(port: replica.port) { connection in
                // It may have been closed before this.
                if !beginning.isEmpty { try? await connection.send(beginning) }
                _ = await connection.rest()
            }
        }
    }
}
