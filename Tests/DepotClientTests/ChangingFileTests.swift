import DepotClient
import DepotCore
import DepotWire
import Foundation
import Testing

/// Files that change, and copies that are lost, while a deposit goes on.
@Suite struct ChangingFileTests {
    enum Change: CaseIterable {
        case grows, shrinks, isRewritten
        /// As rsync, touch and databases do: in place, of the same length, with the time of its last modification set back.
        case isRewrittenInSecret

        func make(_ path: String) {
            var before = stat()
            guard stat(path, &before) == 0, let file = FileHandle(forUpdatingAtPath: path) else {
                return
            }
            switch self {
            case .grows:
                file.seekToEndOfFile()
                file.write(Data(noise(1_000)))
            case .shrinks: file.truncateFile(atOffset: 1_000)
            case .isRewritten: file.write(Data(noise(50 << 20, seed: 99)))
            case .isRewrittenInSecret:
                file.write(Data(noise(1_000, seed: 99)))
                file.seek(toFileOffset: UInt64(before.st_size) - 1_000)
                file.write(Data(noise(1_000, seed: 98)))
            }
            try? file.close()
            if self == .isRewrittenInSecret {
                utimensat(AT_FDCWD, path, [before.st_atim, before.st_mtim], 0)
            }
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
        bench.server.set { state in
            state.before = { if $0 == .upload, $1 == 1 { change.make(path) } }
        }
        let told = try await bench.deposit(sources)
        #expect(told.names == ["a", "c"])
        #expect(told.failures.map(\.name) == ["b"])
        #expect(told.failures.first?.error.code == .conflict)
        #expect(bench.server.files.count == 2)
    }

    /// A log that grew as fast as it was read was never read to its end.
    @Test func `a file that grows is read as far as it went, and then told as changed`()
        async throws
    {
        let bench = try Workbench()
        let sizes = [10, 20 << 20, 20]
        let sources = try zip(["a", "b", "c"], sizes).map { try bench.file($0, noise($1)) }
        let path = bench.path("b")
        bench.server.set { state in
            state.before = { call, number in
                guard call == .upload, number <= 20 else { return }
                let file = FileHandle(forUpdatingAtPath: path)
                file?.seekToEndOfFile()
                file?.write(Data(noise(8 << 20, seed: UInt64(number))))
                try? file?.close()
            }
        }
        let told = try await bench.deposit(sources)
        #expect(told.names == ["a", "c"])
        #expect(told.failures.map(\.name) == ["b"])
        #expect(told.failures.first?.error.code == .conflict)
        #expect(told.bytes <= UInt64(sizes.reduce(0, +)))
    }

    @Test(arguments: Change.allCases)
    func `a file that changed before it is read again fails alone`(_ change: Change) async throws {
        let bench = try Workbench()
        let sources = [
            try bench.file("a", noise(10)), try bench.file("b", noise(2 << 20, seed: 2)),
            try bench.file("c", noise(20)),
        ]
        let path = bench.path("b")
        bench.server.set { state in
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
        bench.server.set { state in
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
        let bench = try Workbench(MemoryFileServer { $0.lostAtCommit = { call, _ in call == 1 } })
        let bytes = noise(6 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)], chunks: small)
        #expect(bench.server.calls(.barrier) >= 3)
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
        let text = try #require(bench.server.chunk(manifest))
        #expect(try Manifest(parsing: text).depth == .pieces)
        #expect(try await bench.retrieve("a") == bytes)
    }
}
