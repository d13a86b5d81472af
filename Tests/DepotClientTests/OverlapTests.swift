import DepotClient
import DepotCore
import DepotWire
import Synchronization
import Testing

/// While one lot of files is made durable and committed, the next is sent.
@Suite struct OverlapTests {
    /// More files than one commit takes, in three groups.
    private static func sources(_ bench: Workbench) throws -> [UploadSource] {
        try (0..<1_300).map { number in
            try bench.file("f\(number)", noise(50, seed: UInt64(number + 1)))
        }
    }

    /// Holds a call up until another one was made, for some time.
    private final class Hold: Sendable {
        private let released = Atomic(false)
        private let inTime = Atomic(false)
        var wasReleased: Bool { inTime.load(ordering: .relaxed) }

        func release() { released.store(true, ordering: .relaxed) }

        func wait() async {
            for _ in 0..<1_000 where !released.load(ordering: .relaxed) {
                try? await Task.sleep(for: .milliseconds(10))
            }
            inTime.store(released.load(ordering: .relaxed), ordering: .relaxed)
        }
    }

    @Test func `a lot is committed while the next one is sent`() async throws {
        let hold = Hold()
        let bench = try Workbench(
            MemoryDoor {
                $0.before = { call, number in
                    if call == .commit, number == 1 { await hold.wait() }
                    if call == .upload, number == 2 { hold.release() }
                }
            })
        let told = try await bench.deposit(try Self.sources(bench))
        #expect(told.receipts.count == 1_300 && told.failures.isEmpty)
        #expect(hold.wasReleased)
    }

    @Test func `files that are being committed get their receipts where sending the next fails`()
        async throws
    {
        let hold = Hold()
        let bench = try Workbench(
            MemoryDoor {
                $0.faults = [.upload: [2: .storageFull]]
                $0.before = { call, number in
                    if call == .commit, number == 1 { await hold.wait() }
                    if call == .upload, number == 2 { hold.release() }
                }
            })
        let sources = try Self.sources(bench)
        let error = await #expect(throws: DepotError.self) { try await bench.deposit(sources) }
        #expect(error?.code == .storageFull)
        #expect(hold.wasReleased)
        #expect(bench.lastTold.receipts.count == bench.door.files.count)
        #expect(bench.door.files.count == WireLimits.commitFilesMax)
    }
}
