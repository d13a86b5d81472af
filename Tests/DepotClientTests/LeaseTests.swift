import DepotClient
import DepotCore
import DepotWire
import Foundation
import Glibc
import Synchronization
import Testing

/// What becomes of a client that sleeps, or waits for somebody, for longer than its leases last.
@Suite struct LeaseTests {
    /// Goes on at once for so many times, and then waits until the task is cancelled.
    private final class Pauses: Sendable {
        private let left: Mutex<Int>

        init(_ count: Int) { left = Mutex(count) }

        @Sendable func pause(_ duration: Duration) async throws {
            let isOver = left.withLock { left in
                defer { left -= 1 }
                return left <= 0
            }
            if isOver { try await Task.sleep(for: .seconds(3_600)) }
        }
    }

    /// A laptop was closed in the middle of a deposit. Its lease was opened again, but what it had pinned was not negotiated
    /// anew: "too few replicas hold it", though all of them did.
    @Test(arguments: [MemoryFileServer.Call.negotiate, .upload, .barrier, .commit], [1, 2])
    func `a deposit whose lease ended has everything promised again, and sends nothing twice`(
        call: MemoryFileServer.Call, number: Int
    ) async throws {
        let bench = try Workbench(MemoryFileServer { $0.faults = [call: [number: .leaseEnded]] })
        let bytes = noise(20 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)])
        #expect(told.names == ["a"] && told.failures.isEmpty)
        let sent = bench.server.uploads.flatMap { $0 }
        #expect(call == .upload || Set(sent).count == sent.count)
        #expect(try await bench.retrieve("a") == bytes)
    }

    /// The bytes of a stream are gone once they were confirmed. They need not be there: the replicas have them.
    @Test func `a stream whose lease ended goes on with what was confirmed`() async throws {
        let bench = try Workbench(MemoryFileServer { $0.faults = [.commit: [1: .leaseEnded]] })
        let bytes = noise(40 << 20)
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        Thread.detachNewThread {
            try? pipe.fileHandleForWriting.write(contentsOf: Data(bytes))
            try? pipe.fileHandleForWriting.close()
        }
        let source = UploadSource(
            name: try FileName("s"), origin: .stream(descriptor: descriptor))
        let told = try await bench.deposit([source])
        #expect(told.names == ["s"] && told.failures.isEmpty)
        #expect(try await bench.retrieve("s") == bytes)
    }

    /// A FileServer that was started again says of each file that it does not know what was wished.
    @Test func `a lease that ended for one file of a page is opened again`() async throws {
        let name = try FileName("a")
        let bench = try Workbench(
            MemoryFileServer { state in
                state.refused = [name: .leaseEnded]
            })
        let server = bench.server
        server.set { state in
            state.before = { call, number in
                if call == .openDeposit, number == 2 { server.set { $0.refused = [:] } }
            }
        }
        let told = try await bench.deposit([try bench.file("a", noise(1_000))])
        #expect(told.names == ["a"] && told.failures.isEmpty)
    }

    /// A producer was quiet for longer than the lease.
    @Test(.timeLimit(.minutes(1)))
    func `a deposit renews its lease while its source is quiet`() async throws {
        let bench = try Workbench()
        let pipe = Pipe()
        let source = UploadSource(
            name: try FileName("s"),
            origin: .stream(descriptor: pipe.fileHandleForReading.fileDescriptor))
        let pauses = Pauses(3)
        let work = Task { try await bench.deposit([source], pause: pauses.pause) }
        while bench.server.calls(.openDeposit) < 4 { await Task.yield() }
        #expect(bench.server.calls(.negotiate) == 0)
        try pipe.fileHandleForWriting.write(contentsOf: Data([1, 2, 3]))
        try pipe.fileHandleForWriting.close()
        #expect(try await work.value.names == ["s"])
        #expect(bench.server.calls(.openDeposit) == 4)
    }

    // MARK: Retrievals

    @Test(arguments: 1...4)
    func `a retrieval whose lease ended is opened again, and goes on where it was`(
        call: Int
    ) async throws {
        let bytes = noise(30 << 20)
        let bench = try Workbench()
        try await bench.deposit([try bench.file("a", bytes)])
        bench.server.set { $0.faults = [.fetch: [call: .leaseEnded]] }
        try await bench.retrieve("a", to: bench.path("b"))
        #expect(bench.content("b") == bytes)
        #expect(bench.server.calls(.openRetrieval) == 2)
    }

    /// Somebody looks at a file in a pager, and goes to lunch.
    @Test(.timeLimit(.minutes(1)))
    func `a retrieval renews its lease while nobody takes its bytes`() async throws {
        let bytes = noise(3 << 20)
        let bench = try Workbench()
        try await bench.deposit([try bench.file("a", bytes)])
        let pipe = Pipe()
        let (pauses, descriptor) = (Pauses(5), pipe.fileHandleForWriting.fileDescriptor)
        let work = Task {
            try await bench.retrieve(
                "a", to: .stream(descriptor: descriptor), pause: pauses.pause)
        }
        // One for the manifest, one for the chunks, and those that ask for nothing.
        while bench.server.calls(.fetch) < 7 { await Task.yield() }
        let reader = Thread.detached(reading: pipe.fileHandleForReading, count: bytes.count)
        _ = try await work.value
        #expect(await reader.value == Data(bytes))
        #expect(bench.server.calls(.openRetrieval) == 1)
    }

    /// The old content may be gone by now, and must not be mixed with the new one. Into a file the new one is written from the
    /// beginning; of a stream somebody has seen the old one.
    @Test(arguments: [false, true])
    func `a file that was replaced while its client slept is not mixed`(isStream: Bool) async throws
    {
        let (old, new) = (noise(30 << 20, seed: 1), noise(20 << 20, seed: 2))
        let bench = try Workbench()
        try await bench.deposit([try bench.file("a", old), try bench.file("new", new)])
        let server = bench.server
        let replacement = try #require(server.files[try FileName("new")])
        server.set { state in
            state.faults = [.fetch: [4: .leaseEnded]]
            state.before = { call, number in
                guard call == .openRetrieval, number == 2 else { return }
                server.set { state in
                    state.files[replacement.name] = nil
                    state.files = state.files.mapValues { file in
                        FileBody(
                            FileEntry(
                                name: file.name, sequence: replacement.sequence,
                                manifest: replacement.manifest, size: replacement.size,
                                level: replacement.level, metadata: replacement.metadata, time: 1))
                    }
                }
            }
        }
        guard isStream else {
            try await bench.retrieve("a", to: bench.path("b"))
            #expect(bench.content("b") == new)
            return
        }
        let target = open(bench.path("out"), O_WRONLY | O_CREAT, 0o600)
        defer { close(target) }
        let error = await #expect(throws: DepotError.self) {
            try await bench.retrieve("a", to: .stream(descriptor: target))
        }
        #expect(error?.code == .conflict)
        let shown = bench.content("out") ?? []
        #expect(shown.count < old.count && shown == Array(old.prefix(shown.count)))
    }
}

extension Thread {
    /// Reads so many bytes, off the threads that tasks run on.
    fileprivate static func detached(reading handle: FileHandle, count: Int) -> Task<Data, Never> {
        let (stream, continuation) = AsyncStream<Data>.makeStream()
        Thread.detachNewThread {
            var data = Data()
            while data.count < count, let part = try? handle.read(upToCount: 65_536), !part.isEmpty
            {
                data += part
            }
            continuation.yield(data)
            continuation.finish()
        }
        return Task {
            for await data in stream { return data }
            return Data()
        }
    }
}
