import DepotCore
import DepotReplica
import DepotTestSupport
import DepotWire
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ShutdownTests {
    /// A replica that is told to stop, as a daemon is.
    private final class Daemon: Sendable {
        let port: Int
        private let ended: Ended
        private let group: ServiceGroup
        private let running: Task<Void, any Error>

        init(_ storage: any ChunkStorage, grace: Duration) async throws {
            let server = ReplicaServer(
                storage: storage,
                configuration: try TestReplica.configuration { $0.shutdownGrace = grace },
                logger: quiet)
            let group = ServiceGroup(
                configuration: .init(services: [.init(service: server)], logger: quiet))
            self.group = group
            let ended = Ended()
            self.ended = ended
            running = Task {
                defer { ended.flag.store(true, ordering: .relaxed) }
                try await group.run()
            }
            port = try await server.port()
        }

        var hasEnded: Bool { ended.flag.load(ordering: .relaxed) }

        func beginToStop() async { await group.triggerGracefulShutdown() }

        func end() async throws { try await running.value }

        private final class Ended: Sendable {
            let flag = Atomic<Bool>(false)
        }
    }

    private func adopted() async throws -> MemoryReplica {
        let memory = MemoryReplica()
        _ = try await memory.adopt(TestReplica.membership)
        return memory
    }

    @Test func `an idle connection does not hold up the end`() async throws {
        let daemon = try await Daemon(adopted(), grace: .seconds(600))
        try await RawConnection.open(port: daemon.port) { connection in
            try await connection.send(PlainRequest("GET", "/health").bytes)
            #expect(try await connection.message().map(\.status) == 200)
            await daemon.beginToStop()
            _ = await connection.rest()
        }
        try await daemon.end()
        await #expect(throws: (any Error).self) {
            try await RawConnection.open(port: daemon.port) { _ in }
        }
    }

    /// A FileServer asks for the standing every second. `depot local` took eight seconds to end: each of its replicas
    /// waited for a FileServer that had ended before.
    @Test(arguments: [true, false])
    func `who watches is told of the end, and nobody waits for a watcher that is gone`(
        stays: Bool
    ) async throws {
        let daemon = try await Daemon(adopted(), grace: .seconds(600))
        func ask(_ connection: inout RawConnection) async throws -> String {
            try await connection.send(PlainRequest("GET", "/r1/standing").bytes)
            let answer = try await connection.message()
            return String(buffer: try #require(answer).body)
        }
        try await RawConnection.open(port: daemon.port) { connection in
            let before = try await ask(&connection)
            #expect(before.contains("\"isLeaving\":false"))
            guard stays else { return }
            await daemon.beginToStop()
            for _ in 0..<1_000 { await Task.yield() }
            #expect(!daemon.hasEnded)
            let after = try await ask(&connection)
            #expect(after.contains("\"isLeaving\":true"))
            _ = await connection.rest()
        }
        let began = ContinuousClock.now
        await daemon.beginToStop()
        try await daemon.end()
        #expect(ContinuousClock.now - began < .milliseconds(2_500))
    }

    @Test func `an upload under way is taken in before the end`() async throws {
        let memory = try await adopted()
        let storage = FaultyReplica(memory)
        let daemon = try await Daemon(storage, grace: .seconds(600))
        let object = VerifiedObject.plain(1, size: 300_000)
        var rest = PlainRequest.put(.frames(of: [object])).bytes
        let slice = rest.readSlice(length: 100_000)
        let (first, remaining) = (try #require(slice), rest)
        try await RawConnection.open(port: daemon.port) { idle in
            try await idle.send(PlainRequest("GET", "/health").bytes)
            _ = try await idle.message()
            storage.inject(.hang, into: .standing)
            try await RawConnection.open(port: daemon.port) { connection in
                try await connection.send(first)
                try await eventually("its head is read") { storage.hangingCount == 1 }
                await daemon.beginToStop()
                // The end has begun, and waits.
                _ = await idle.rest()
                for _ in 0..<1_000 { await Task.yield() }
                #expect(!daemon.hasEnded)
                storage.release()
                try await connection.send(remaining)
                #expect(try await connection.message().map(\.status) == 204)
                #expect(await connection.rest().readableBytes == 0)
            }
        }
        try await daemon.end()
        #expect(memory.held == [object.id])
    }

    @Test func `an upload that does not go on is cut off`() async throws {
        let memory = try await adopted()
        let daemon = try await Daemon(memory, grace: .milliseconds(200))
        var request = PlainRequest.put(.frames(of: [SampleObjects.chunk(1)]))
        request.declared = request.body.readableBytes + 1
        let bytes = request.bytes
        try await RawConnection.open(port: daemon.port) { connection in
            try await connection.send(bytes)
            await daemon.beginToStop()
            try await daemon.end()
            #expect(try await connection.message() == nil)
        }
        #expect(memory.held.isEmpty)
    }

    @Test func `a question under way is answered before the end`() async throws {
        let memory = try await adopted()
        let storage = FaultyReplica(memory)
        let daemon = try await Daemon(storage, grace: .seconds(600))
        storage.inject(.hang, into: .vouch)
        try await RawConnection.open(port: daemon.port) { connection in
            let list = WireList.encode([SampleObjects.chunk(1).id])
            try await connection.send(PlainRequest("POST", "/r1/vouch", body: list).bytes)
            try await eventually("it is asked") { storage.hangingCount == 1 }
            await daemon.beginToStop()
            storage.release()
            let answer = try await connection.message()
            #expect(answer?.body == ByteBuffer(bytes: [0]))
            _ = await connection.rest()
        }
        try await daemon.end()
    }

    @Test func `a port that is taken is named`() async throws {
        let daemon = try await Daemon(adopted(), grace: .seconds(1))
        let server = ReplicaServer(
            storage: MemoryReplica(),
            configuration: try TestReplica.configuration { $0.port = daemon.port }, logger: quiet)
        let error = await expectError(.unreachable) { try await server.run() }
        #expect(error?.message == "cannot listen there: Address already in use")
        #expect(error?.object == "127.0.0.1:\(daemon.port)")
        await expectError(.unreachable) { _ = try await server.port() }
        await daemon.beginToStop()
        try await daemon.end()
    }
}
