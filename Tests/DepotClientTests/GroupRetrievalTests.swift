import DepotClient
import DepotCore
import DepotWire
import Foundation
import NIOCore
import Testing

/// Small files that are retrieved together: what each of them comes to does not depend on the others.
@Suite struct GroupRetrievalTests {
    /// Two have the same content, one has none, one has several chunks.
    private static let sizes = [0, 1, 5_000, 5_000, 60_000, 300_000]
    private static let chunks = try? ChunkerParameters(
        sizeMin: 1 << 14, sizeAverage: 1 << 16, sizeMax: 1 << 17)

    private func bench() async throws -> (Workbench, [[UInt8]]) {
        let bench = try Workbench()
        var contents: [[UInt8]] = []
        var sources: [UploadSource] = []
        for (index, size) in Self.sizes.enumerated() {
            contents.append(noise(size, seed: size == 5_000 ? 5 : UInt64(100 + index)))
            sources.append(try bench.file("f\(index)", contents[index]))
        }
        try await bench.deposit(sources, chunks: try #require(Self.chunks))
        return (bench, contents)
    }

    private func retrieve(
        _ bench: Workbench, _ names: [String]
    ) async throws -> [Result<DownloadReport, DepotError>] {
        let orders = try names.map {
            GroupDownload.Order(
                name: VersionName(try FileName($0)), target: .path(bench.path("out-\($0)")))
        }
        let results = await GroupDownload(
            server: bench.server, threads: bench.threads, onBytes: { _ in }
        ).run(orders)
        #expect(results.count == names.count)
        // Nothing half-written is left.
        #expect(try bench.entries.allSatisfy { $0.hasPrefix("f") || $0.hasPrefix("out-") })
        return results
    }

    private var names: [String] { Self.sizes.indices.map { "f\($0)" } }

    @Test func `a group comes back whole, in few requests`() async throws {
        let (bench, contents) = try await bench()
        for result in try await retrieve(bench, names) {
            #expect(try result.get().badCopies.isEmpty)
        }
        for (index, content) in contents.enumerated() {
            #expect(bench.content("out-f\(index)") == content)
        }
        #expect(bench.server.calls(.openRetrieval) == 1 && bench.server.calls(.closeRetrieval) == 1)
        #expect(bench.server.calls(.fetch) == 2, "the manifests, and the chunks")
    }

    @Test func `a name that is gone is one failure`() async throws {
        let (bench, contents) = try await bench()
        let results = try await retrieve(bench, ["f1", "gone", "f2"])
        #expect(throws: DepotError.self) { try results[1].get() }
        if case .failure(let error) = results[1] {
            #expect(error.code == .notFound && error.object == "gone")
        }
        #expect(bench.content("out-f1") == contents[1] && bench.content("out-f2") == contents[2])
        #expect(bench.content("out-gone") == nil)
    }

    @Test func `bad copies are told of the files that they belong to`() async throws {
        let (bench, contents) = try await bench()
        let only = try #require(bench.server.files[try FileName("f4")]?.manifest.chunk)
        let (victim, first) = (only.id, bench.server.replicas[0])
        bench.server.set { $0.corrupt = { replica, id in replica == first && id == victim } }
        let reports = try await retrieve(bench, names).map { try $0.get() }
        for (index, report) in reports.enumerated() {
            #expect(bench.content("out-f\(index)") == contents[index])
            let bad = report.badCopies.map { [$0.chunk.hex, $0.replica.description] }
            #expect(bad == (index == 4 ? [[victim.hex, first.description]] : []))
        }
    }

    @Test func `a file without a good copy fails by itself, and says so`() async throws {
        let (bench, contents) = try await bench()
        let victim = try #require(bench.server.files[try FileName("f4")]?.manifest.chunk).id
        bench.server.set { $0.corrupt = { _, id in id == victim } }
        let results = try await retrieve(bench, names)
        for (index, result) in results.enumerated() {
            if case .failure(let error) = result {
                #expect(index == 4 && error.code == .noGoodCopy && error.object == "f4")
                #expect(error.message.contains(victim.hex))
            } else {
                #expect(index != 4 && bench.content("out-f\(index)") == contents[index])
            }
        }
        #expect(bench.content("out-f4") == nil)
    }

    @Test func `a lease that ended, and a server that was away, cost the group and no file`()
        async throws
    {
        let (bench, contents) = try await bench()
        bench.server.set { $0.faults = [.fetch: [2: .leaseEnded], .openRetrieval: [3: .busy]] }
        let results = try await retrieve(bench, names)
        #expect(results.count { if case .failure = $0 { true } else { false } } == 1)
        for (index, result) in results.enumerated() {
            if case .success = result { #expect(bench.content("out-f\(index)") == contents[index]) }
        }
    }

    /// Each file waited for as long as the group had, one after the other: hours for a tree.
    @Test(arguments: [MemoryFileServer.Call.openRetrieval, .fetch])
    func `a FileServer that is away is waited for once a group`(call: MemoryFileServer.Call)
        async throws
    {
        let (bench, _) = try await bench()
        let always = Dictionary(
            uniqueKeysWithValues: (1...50).map { ($0, DepotError.Code.unreachable) })
        bench.server.set { $0.faults = [call: always] }
        let results = try await retrieve(bench, names)
        for result in results {
            if case .failure(let error) = result { #expect(error.code == .unreachable) }
        }
        #expect(results.allSatisfy { if case .failure = $0 { true } else { false } })
        #expect(bench.server.calls(call) == 1)
    }
}
