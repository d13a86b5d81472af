import DepotClient
import DepotCore
import DepotWire
import Foundation
import Synchronization
import Testing

/// While files are made durable and committed, the next ones are sent.
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

    /// Names with the same content, that count how many of them were asked for.
    private struct Names: Sequence, Sendable {
        let source: UploadSource
        let count: Int
        /// Told before one is given.
        var before: @Sendable (Int) -> Void = { _ in }
        let asked = Told()

        final class Told: Sendable {
            let count = Atomic(0)
        }

        func makeIterator() -> AnyIterator<UploadSource> {
            AnyIterator {
                let (number, _) = asked.count.add(1, ordering: .relaxed)
                guard number < count else { return nil }
                before(number)
                guard let name = try? FileName("f\(number)") else { return nil }
                return UploadSource(name: name, origin: source.origin)
            }
        }
    }

    /// A tree of any number of files is not listed as a whole.
    @Test func `sources are asked for as they are needed`() async throws {
        let bench = try Workbench()
        let names = Names(source: try bench.file("f", noise(50)), count: 8_000)
        let askedAtCommit = Atomic(0)
        bench.server.set { state in
            state.before = { call, number in
                guard call == .commit, number == 1 else { return }
                askedAtCommit.store(names.asked.count.load(ordering: .relaxed), ordering: .relaxed)
            }
        }
        let told = try await bench.deposit(names)
        #expect(told.receipts.count == 8_000 && told.failures.isEmpty)
        #expect((1..<5_000).contains(askedAtCommit.load(ordering: .relaxed)))
    }

    /// Nor are failures kept until all of it was seen.
    @Test func `files that fail are told while others are asked for`() async throws {
        let bench = try Workbench()
        let toldInTime = Atomic(0)
        let names = Names(
            source: try bench.source("missing"), count: 8_000,
            before: { number in
                guard number == 7_000 else { return }
                toldInTime.store(bench.lastTold.failures.count, ordering: .relaxed)
            })
        let told = try await bench.deposit(names)
        #expect(told.failures.count == 8_000 && told.receipts.isEmpty)
        #expect(toldInTime.load(ordering: .relaxed) > 1_000)
    }

    /// Two groups of fewer files than a commit takes, which together are more.
    private static func twoPages(_ bench: Workbench) throws -> [UploadSource] {
        try (0..<770).map { number in
            try bench.file(String(format: "f%03d", number), noise(16 << 10, seed: UInt64(number)))
        }
    }

    @Test func `receipts come in order, whichever page is committed first`() async throws {
        let bench = try Workbench(
            MemoryFileServer {
                $0.before = { call, number in
                    guard call == .commit, number == 1 else { return }
                    try? await Task.sleep(for: .milliseconds(300))
                }
            })
        let sources = try Self.twoPages(bench)
        let told = try await bench.deposit(sources)
        #expect(told.names == sources.map(\.name.text))
        #expect(bench.server.calls(.commit) == 2)
    }

    @Test func `of two pages the one that is committed gets its receipts, though the other is not`()
        async throws
    {
        let first = try FileName("f000")
        let bench = try Workbench(MemoryFileServer { $0.refusedWith = first })
        let sources = try Self.twoPages(bench)
        await #expect(throws: DepotError.self) { try await bench.deposit(sources) }
        #expect(bench.lastTold.names == sources.dropFirst(512).map(\.name.text))
    }

    @Test func `files are committed while the next ones are sent`() async throws {
        let hold = Hold()
        let bench = try Workbench(
            MemoryFileServer {
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
            MemoryFileServer {
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
        #expect(bench.lastTold.receipts.count == bench.server.files.count)
        #expect(bench.server.files.count == WireLimits.commitFilesMax)
    }
}
