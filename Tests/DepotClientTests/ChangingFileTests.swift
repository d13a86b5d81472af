import DepotClient
import DepotCore
import DepotWire
import Foundation
import Testing

/// Files that change, and copies that are lost, while a deposit goes on.
@Suite struct ChangingFileTests {
    enum Change: CaseIterable {
        case grows, shrinks, isRewritten

        func make(_ path: String) {
            guard let file = FileHandle(forUpdatingAtPath: path) else { return }
            switch self {
            case .grows:
                file.seekToEndOfFile()
                file.write(Data(noise(1_000)))
            case .shrinks: file.truncateFile(atOffset: 1_000)
            case .isRewritten: file.write(Data(noise(50 << 20, seed: 99)))
            }
            try? file.close()
        }
    }

    @Test(arguments: Change.allCases)
    func `a file that changes while it is read is not deposited; the others are`(_ change: Change)
        async throws
    {
        let bench = try Workbench()
        let sources = [
            try bench.file("a", noise(10)), try bench.file("b", noise(50 << 20, seed: 2)),
            try bench.file("c", noise(20)),
        ]
        let path = bench.path("b")
        bench.door.set { state in
            state.before = { if $0 == .upload, $1 == 1 { change.make(path) } }
        }
        let told = try await bench.deposit(sources)
        #expect(told.names == ["a", "c"])
        #expect(told.failures.map(\.name) == ["b"])
        #expect(told.failures.first?.error.code == .conflict)
        #expect(bench.door.files.count == 2)
    }

    @Test(arguments: Change.allCases)
    func `a file that changed before it is read again fails alone`(_ change: Change) async throws {
        let bench = try Workbench()
        let sources = [
            try bench.file("a", noise(10)), try bench.file("b", noise(2 << 20, seed: 2)),
            try bench.file("c", noise(20)),
        ]
        let path = bench.path("b")
        bench.door.set { state in
            // A file that grew can be read again as far as it was deposited.
            state.before = { if $0 == .barrier, $1 == 1 { change.make(path) } }
            state.lostAtBarrier = { call, _ in call == 1 }
        }
        let told = try await bench.deposit(sources)
        #expect(told.names == (change == .grows ? ["a", "b", "c"] : ["a", "c"]))
        #expect(told.failures.map(\.error.code) == (change == .grows ? [] : [.conflict]))
    }

    @Test func `a chunk of a changed file is taken from another file that has it`() async throws {
        let bench = try Workbench()
        let bytes = noise(100_000)
        let sources = [try bench.file("a", bytes), try bench.file("b", bytes)]
        let path = bench.path("a")
        bench.door.set { state in
            state.before = { if $0 == .barrier, $1 == 1 { Change.shrinks.make(path) } }
            state.lostAtBarrier = { call, _ in call == 1 }
        }
        let told = try await bench.deposit(sources)
        #expect(told.names == ["b"])
        #expect(told.failures.map(\.name) == ["a"])
        #expect(try await bench.retrieve("b") == bytes)
    }

    @Test func `what was lost behind an earlier barrier of the same file is sent again`()
        async throws
    {
        let small = try ChunkerParameters(sizeMin: 64, sizeAverage: 256, sizeMax: 288)
        let bench = try Workbench(MemoryDoor { $0.lostAtCommit = { call, _ in call == 1 } })
        let bytes = noise(6 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)], chunks: small)
        #expect(bench.door.calls(.barrier) >= 3)
        #expect(told.failures.isEmpty)
        #expect(told.names == ["a"])
        #expect(try await bench.retrieve("a") == bytes)
    }

    @Test func `a long list of chunks goes into pieces and comes back`() async throws {
        let small = try ChunkerParameters(sizeMin: 64, sizeAverage: 256, sizeMax: 288)
        let bench = try Workbench()
        // Over 57,456 lines of at most 73 bytes.
        let bytes = noise(18 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)], chunks: small)
        let manifest = try #require(told.receipts.first?.manifest)
        let text = try #require(bench.door.chunk(manifest))
        #expect(try Manifest(parsing: text).depth == .pieces)
        #expect(try await bench.retrieve("a") == bytes)
    }
}
