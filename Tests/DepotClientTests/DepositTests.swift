import DepotClient
import DepotCore
import DepotWire
import Foundation
import Testing

@Suite struct DepositTests {
    @Test(
        "a file of any size comes back as it was",
        arguments: [0, 1, 65_535, 256 << 10, 8 << 20, (8 << 20) + 1, (12 << 20), 24 << 20])
    func roundTrip(_ size: Int) async throws {
        let bench = try Workbench()
        let bytes = noise(size)
        let told = try await bench.deposit([try bench.file("a", bytes)])
        #expect(told.failures.isEmpty)
        #expect(told.receipts.map(\.size) == [UInt64(size)])
        #expect(told.bytes == UInt64(size))
        #expect(try await bench.retrieve("a") == bytes)
    }

    @Test func `many small files share requests`() async throws {
        let bench = try Workbench()
        var sources: [UploadSource] = []
        for number in 0..<2_000 {
            sources.append(
                try bench.file("f\(number)", noise(100 + number, seed: UInt64(number + 1))))
        }
        let told = try await bench.deposit(sources)
        #expect(told.receipts.count == 2_000)
        #expect(told.failures.isEmpty)
        #expect(bench.server.calls(.openDeposit) == 1)
        #expect(bench.server.calls(.negotiate) <= 5)
        #expect(bench.server.calls(.upload) <= 8)
        #expect(bench.server.calls(.barrier) <= 5)
        #expect(bench.server.calls(.commit) <= 5)
        #expect(bench.server.calls(.closeDeposit) == 1)
        #expect(try await bench.retrieve("f1999") == noise(2_099, seed: 2_000))
    }

    @Test func `the same content twice is sent once`() async throws {
        let bench = try Workbench()
        let bytes = noise(3 << 20)
        let told = try await bench.deposit([
            try bench.file("a", bytes), try bench.file("b", bytes),
        ])
        #expect(told.names.sorted() == ["a", "b"])
        let sent = bench.server.uploads.flatMap { $0 }.map(\.id)
        #expect(Set(sent).count == sent.count)
        #expect(try await bench.retrieve("b") == bytes)
    }

    @Test func `a file that cannot be read is told and the others go on`() async throws {
        let bench = try Workbench()
        let told = try await bench.deposit([
            try bench.file("a", noise(10)), try bench.source("missing"),
            try bench.file("z", noise(20)),
        ])
        #expect(told.names == ["a", "z"])
        #expect(told.failures.map(\.name) == ["missing"])
        #expect(told.failures.first?.error.code == .notFound)
    }

    @Test func `what a commit refuses is told of that file alone`() async throws {
        let name = try FileName("b")
        let bench = try Workbench(MemoryFileServer { $0.refused = [name: .conflict] })
        let told = try await bench.deposit([
            try bench.file("a", noise(10)), try bench.file("b", noise(20)),
            try bench.file("c", noise(30)),
        ])
        #expect(told.names == ["a", "c"])
        #expect(told.failures.map(\.name) == ["b"])
        #expect(told.failures.first?.error.code == .conflict)
    }

    @Test func `what a barrier finds lacking is read and sent again`() async throws {
        let bench = try Workbench(MemoryFileServer { $0.lostAtBarrier = { call, _ in call == 1 } })
        let bytes = noise(20 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)])
        #expect(told.names == ["a"])
        #expect(bench.server.calls(.barrier) == 2)
        #expect(try await bench.retrieve("a") == bytes)
    }

    @Test func `what a commit finds lacking is read and sent again`() async throws {
        let bench = try Workbench(MemoryFileServer { $0.lostAtCommit = { call, _ in call <= 2 } })
        let bytes = noise(3 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)])
        #expect(told.names == ["a"])
        #expect(try await bench.retrieve("a") == bytes)
    }

    @Test func `what is lacking for ever ends the deposit after a few tries`() async throws {
        let bench = try Workbench(MemoryFileServer { $0.lostAtBarrier = { _, _ in true } })
        let source = try bench.file("a", noise(1 << 20))
        let error = await #expect(throws: DepotError.self) { try await bench.deposit([source]) }
        #expect(error?.code == .notEnoughReplicas)
        #expect(bench.server.files.isEmpty)
        #expect(bench.server.calls(.barrier) <= 6)
    }

    @Test(
        "a lease that ends in the middle is opened again",
        arguments: [MemoryFileServer.Call.negotiate, .upload, .barrier, .commit])
    func leaseEnds(_ call: MemoryFileServer.Call) async throws {
        let bench = try Workbench(MemoryFileServer { $0.faults = [call: [1: .leaseEnded]] })
        let bytes = noise(10 << 20)
        let told = try await bench.deposit([try bench.file("a", bytes)])
        #expect(told.names == ["a"])
        #expect(told.failures.isEmpty)
        #expect(bench.server.calls(.openDeposit) >= 2)
        #expect(try await bench.retrieve("a") == bytes)
    }

    @Test(
        "an error that is not of one file ends the deposit and is thrown",
        arguments: [MemoryFileServer.Call.openDeposit, .negotiate, .upload, .barrier, .commit])
    func fatal(_ call: MemoryFileServer.Call) async throws {
        let bench = try Workbench(MemoryFileServer { $0.faults = [call: [1: .storageFull]] })
        let source = try bench.file("a", noise(20 << 20))
        let error = await #expect(throws: DepotError.self) { try await bench.deposit([source]) }
        #expect(error?.code == .storageFull)
        #expect(bench.server.files.isEmpty)
    }

    @Test func `a deposit whose lease cannot be closed is done all the same`() async throws {
        let bench = try Workbench(
            MemoryFileServer { $0.faults = [.closeDeposit: [1: .unreachable]] })
        let told = try await bench.deposit([try bench.file("a", noise(10))])
        #expect(told.names == ["a"])
    }
}
