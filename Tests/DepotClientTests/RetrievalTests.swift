import DepotClient
import DepotCore
import DepotWire
import Foundation
import NIOCore
import Testing

@Suite struct RetrievalTests {
    private func bench(_ bytes: [UInt8], mode: Int = 0o640) async throws -> Workbench {
        let bench = try Workbench()
        let source = try bench.file("a", bytes)
        try FileManager.default.setAttributes(
            [
                .posixPermissions: mode,
                .modificationDate: Date(timeIntervalSince1970: 1_000_000_000),
            ], ofItemAtPath: bench.path("a"))
        try await bench.deposit([source])
        return bench
    }

    private func fails(
        _ bench: Workbench, to target: String, with code: DepotError.Code
    ) async throws -> DepotError? {
        let before = try bench.entries
        let error = await #expect(throws: DepotError.self) {
            try await bench.retrieve("a", to: target)
        }
        #expect(error?.code == code)
        #expect(try bench.entries == before)
        return error
    }

    @Test func `mode and time come back`() async throws {
        let bench = try await bench(noise(1_000))
        try await bench.retrieve("a", to: bench.path("b"))
        let attributes = try FileManager.default.attributesOfItem(atPath: bench.path("b"))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o640)
        #expect(
            attributes[.modificationDate] as? Date == Date(timeIntervalSince1970: 1_000_000_000))
        #expect(try bench.entries == ["a", "b"])
    }

    @Test func `a missing copy is named, too`() async throws {
        let bench = try await bench(noise(3 << 20))
        let replica = bench.server.replicas[1]
        bench.server.set { state in
            state.rewrite = { answers in
                answers.map { answer in
                    guard case .found(let object, let from, _) = answer else { return answer }
                    return .found(object, from: from, missing: [replica])
                }
            }
        }
        let report = try await bench.retrieve("a", to: bench.path("b"))
        #expect(report.badCopies.count == bench.server.chunkCount)
        #expect(report.badCopies.allSatisfy { $0.replica == replica && $0.reason == .missing })
    }

    @Test func `a corrupt copy is named and another one is used`() async throws {
        let bytes = noise(5 << 20)
        let bench = try await bench(bytes)
        let first = bench.server.replicas[0]
        bench.server.set { state in state.corrupt = { replica, _ in replica == first } }
        let report = try await bench.retrieve("a", to: bench.path("b"))
        #expect(bench.content("b") == bytes)
        #expect(report.badCopies.count == bench.server.chunkCount)
        #expect(report.badCopies.allSatisfy { $0.replica == first && $0.reason == .corrupt })
    }

    @Test func `with no good copy the error says what and where, and nothing is left`()
        async throws
    {
        let bench = try await bench(noise(20 << 20))
        let manifest = try #require(bench.server.files[try FileName("a")]?.manifest)
        let list = try Manifest(parsing: try #require(bench.server.chunk(manifest.id)))
        let victim = list.entries[list.entries.count - 1].id
        let offset = list.size - UInt64(list.entries[list.entries.count - 1].length)
        bench.server.set { state in state.corrupt = { _, id in id == victim } }
        try bench.file("b", [1, 2, 3])
        let error = try await fails(bench, to: bench.path("b"), with: .noGoodCopy)
        #expect(error?.object == "a")
        #expect(error?.message.contains(victim.hex) == true)
        #expect(error?.message.contains("byte \(offset)") == true)
        for replica in bench.server.replicas {
            #expect(error?.message.contains("\(replica)") == true)
        }
        #expect(bench.content("b") == [1, 2, 3])
    }

    @Test func `a chunk that nobody can give is an error`() async throws {
        let bench = try await bench(noise(100))
        bench.server.set { state in state.absent = { _ in true } }
        _ = try await fails(bench, to: bench.path("b"), with: .noGoodCopy)
    }

    /// All replicas were being started again, and a retrieval ended as if the disks had rotted: whoever is called for damage
    /// was called for a restart.
    @Test(arguments: [false, true])
    func `a holder that does not answer is named, and is damage only where some was seen`(
        otherIsCorrupt: Bool
    ) async throws {
        let bench = try await bench(noise(100))
        let (sound, rotten) = (bench.server.replicas[1], bench.server.replicas[0])
        bench.server.set { state in
            state.absent = { _ in !otherIsCorrupt }
            state.corrupt = { _, _ in true }
            state.silent = sound
        }
        let error = try await fails(
            bench, to: bench.path("b"), with: otherIsCorrupt ? .noGoodCopy : .unreachable)
        #expect(
            error?.message.contains("\(otherIsCorrupt ? rotten : sound)") == true, "\(error as Any)"
        )
    }

    @Test func `answers in another order are not written`() async throws {
        let bench = try await bench(noise(8 << 20))
        bench.server.set { state in state.rewrite = { $0.reversed() } }
        _ = try await fails(bench, to: bench.path("b"), with: .noGoodCopy)
    }

    @Test func `fewer answers than questions are an error`() async throws {
        let bench = try await bench(noise(8 << 20))
        bench.server.set { state in state.rewrite = { Array($0.dropLast()) } }
        _ = try await fails(bench, to: bench.path("b"), with: .internalError)
    }

    @Test(
        "an error of the FileServer leaves the target as it was",
        arguments: [DepotError.Code.notFound, .unreachable, .unauthorized])
    func fetchFails(_ code: DepotError.Code) async throws {
        let bench = try await bench(noise(20 << 20))
        try bench.file("b", [7])
        bench.server.set { state in state.faults = [.fetch: [3: code]] }
        _ = try await fails(bench, to: bench.path("b"), with: code)
        #expect(bench.content("b") == [7])
    }

    @Test func `a file that is there is replaced`() async throws {
        let bench = try await bench([1, 2])
        try bench.file("b", noise(5_000))
        try await bench.retrieve("a", to: bench.path("b"))
        #expect(bench.content("b") == [1, 2])
        #expect(try bench.entries == ["a", "b"])
    }

    @Test func `a folder or no folder at the target is an error`() async throws {
        let bench = try await bench([1])
        _ = try await fails(bench, to: bench.folder, with: .invalidArgument)
        _ = try await fails(bench, to: bench.path("none/b"), with: .notFound)
    }

    @Test func `devices and pipes are written to as they are`() async throws {
        let bytes = noise(300_000)
        let bench = try await bench(bytes)
        try await bench.retrieve("a", to: "/dev/null")
        #expect(mkfifo(bench.path("fifo"), 0o600) == 0)
        let pipe = open(bench.path("fifo"), O_RDWR | O_NONBLOCK)
        let reader = Thread.detachedReading(pipe, count: bytes.count)
        try await bench.retrieve("a", to: bench.path("fifo"))
        #expect(await reader.value == bytes)
        close(pipe)
        #expect(try bench.entries.contains("fifo"))
    }

    @Test func `a retrieval that cannot be closed is done all the same`() async throws {
        let bench = try await bench([1, 2])
        bench.server.set { state in state.faults = [.closeRetrieval: [1: .leaseEnded]] }
        #expect(try await bench.retrieve("a") == [1, 2])
    }

    @Test func `a retrieval that is given up leaves nothing`() async throws {
        let bench = try await bench(noise(40 << 20))
        let (isSet, set) = AsyncStream<Void>.makeStream()
        let work = Task { () -> DepotError? in
            for await _ in isSet {}
            do throws(DepotError) {
                try await bench.retrieve("a", to: bench.path("b"))
                return nil
            } catch {
                return error
            }
        }
        bench.server.set { state in
            state.before = { if $0 == .fetch, $1 == 4 { work.cancel() } }
        }
        set.finish()
        #expect(await work.value?.code == .unreachable)
        #expect(try bench.entries == ["a"])
    }
}

extension Thread {
    /// Reads so many bytes on a thread of its own.
    static func detachedReading(_ descriptor: Int32, count: Int) -> Task<[UInt8], Never> {
        Task {
            await withCheckedContinuation { done in
                detachNewThread {
                    var bytes: [UInt8] = []
                    var buffer = [UInt8](repeating: 0, count: 1 << 16)
                    while bytes.count < count {
                        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                        guard poll(&wait, 1, 20_000) > 0 else { break }
                        let got = read(descriptor, &buffer, buffer.count)
                        if got > 0 { bytes += buffer[..<got] }
                    }
                    done.resume(returning: bytes)
                }
            }
        }
    }
}
