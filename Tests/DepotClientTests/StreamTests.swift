import DepotClient
import DepotCore
import DepotWire
import Foundation
import Testing

@Suite struct StreamTests {
    private func feeding(_ bytes: [UInt8], keepOpen: Bool = false) throws -> (UploadSource, Pipe) {
        let pipe = Pipe()
        let writer = pipe.fileHandleForWriting
        Thread.detachNewThread {
            try? writer.write(contentsOf: Data(bytes))
            if !keepOpen { try? writer.close() }
        }
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        return (
            UploadSource(name: try FileName("s"), origin: .stream(descriptor: descriptor)), pipe
        )
    }

    @Test("a stream of unknown length comes back", arguments: [0, 1, 100_000, 20 << 20])
    func roundTrip(_ size: Int) async throws {
        let bench = try Workbench()
        let bytes = noise(size)
        let (source, pipe) = try feeding(bytes)
        let told = try await bench.deposit([source])
        withExtendedLifetime(pipe) {}
        #expect(told.receipts.map(\.size) == [UInt64(size)])
        #expect(try await bench.retrieve("s") == bytes)
    }

    @Test func `what is lacking of a stream is sent again from memory`() async throws {
        let bench = try Workbench(MemoryFileServer { $0.lostAtBarrier = { call, _ in call == 1 } })
        let bytes = noise(20 << 20)
        let (source, pipe) = try feeding(bytes)
        try await bench.deposit([source])
        withExtendedLifetime(pipe) {}
        #expect(try await bench.retrieve("s") == bytes)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a deposit of a stream that gives nothing can be given up`() async throws {
        let bench = try Workbench()
        let (source, pipe) = try feeding([1, 2, 3], keepOpen: true)
        let work = Task { () -> DepotError? in
            do throws(DepotError) {
                try await bench.deposit([source])
                return nil
            } catch {
                return error
            }
        }
        while bench.server.calls(.openDeposit) == 0 { await Task.yield() }
        work.cancel()
        #expect(await work.value?.code == .unreachable)
        #expect(bench.server.files.isEmpty)
        try pipe.fileHandleForWriting.close()
    }
}
