import DepotCore
import DepotTestSupport
import Foundation
import Synchronization
import Testing

@testable import DepotClient

/// The file of a cache, and what becomes of it when disks and people do what they like with it.
@Suite struct CacheFileTests {
    private let bench: Workbench
    private var path: String { bench.path("cache.sqlite") }

    init() throws { bench = try Workbench() }

    private static func entries(_ count: Int) throws -> [FileName: DepositCache.Entry] {
        try (0..<count).reduce(into: [:]) { entries, number in
            // Some names are longer than a page has room for.
            let name = try FileName(
                "f\(number)/" + String(repeating: "x", count: number % 10 == 0 ? 1_000 : 50))
            entries[name] = .init(
                state: noise(56, seed: UInt64(number)), manifest: ChunkID(hashing: "\(number)"))
        }
    }

    private static func all(_ file: CacheFile) throws(CacheProblem) -> [FileName: DepositCache
        .Entry]
    {
        var (found, last) = ([FileName: DepositCache.Entry](), FileName?.none)
        while true {
            let page = try file.page(after: last)
            guard let end = page.last else { return found }
            for (name, entry) in page { found[name] = entry }
            last = end.name
        }
    }

    @Test func `what was written is there, in order, when it is opened again`() throws {
        let entries = try Self.entries(2_500)
        try CacheFile.open(path) { _ in }.write(entries)
        let file = try CacheFile.open(path) { _ in }
        let first = try file.page(after: nil)
        #expect(first.map(\.name) == first.map(\.name).sorted())
        #expect(try Self.all(file) == entries)
    }

    /// Nothing is synced, and a cache may be edited: a row that is not what was written is none.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `whatever becomes of its bytes, it says nothing that was not written`(_ seed: UInt64)
        throws
    {
        let entries = try Self.entries(200)
        try CacheFile.open(path) { _ in }.write(entries)
        var bytes = try #require(FileManager.default.contents(atPath: path))
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<(seed % 4 == 0 ? 1 : 20) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
        if seed % 3 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
        try bytes.write(to: URL(fileURLWithPath: path))
        do throws(CacheProblem) {
            for (name, entry) in try Self.all(try CacheFile.open(path) { _ in }) {
                #expect(entries[name] == entry, "seed \(seed)")
            }
        } catch {
            #expect([.damaged, .foreign].contains(error.reason), "seed \(seed): \(error)")
        }
    }

    /// An old row is true, a mixed one is not.
    @Test func `a row of parts of two is damage`() throws {
        let (name, other) = (try FileName("a"), try FileName("b"))
        let first = DepositCache.Entry(state: noise(56), manifest: ChunkID(hashing: "1"))
        let second = DepositCache.Entry(state: noise(56, seed: 2), manifest: ChunkID(hashing: "2"))
        try CacheFile.open(path) { _ in }.write([name: first, other: second])
        var bytes = try #require(FileManager.default.contents(atPath: path))
        let manifests = [first, second].map { Data($0.manifest.bytes) }
        let places = try manifests.map { try #require(bytes.range(of: $0)) }
        bytes.replaceSubrange(places[0], with: manifests[1])
        try bytes.write(to: URL(fileURLWithPath: path))
        let file = try CacheFile.open(path) { _ in }
        let problem = #expect(throws: CacheProblem.self) { try file.page(after: nil) }
        #expect(problem?.reason == .damaged)
    }

    @Test func `a damaged cache goes, and a deposit goes on without`() throws {
        try CacheFile.open(path) { _ in }.write(try Self.entries(100))
        var bytes = try #require(FileManager.default.contents(atPath: path))
        for place in bytes.indices.dropFirst(4_096) { bytes[place] = 7 }
        try bytes.write(to: URL(fileURLWithPath: path))
        let problems = Problems()
        let cache = DepositCache { problems.add($0) }
        cache.open(path)
        #expect(cache.page(after: nil).isEmpty && cache.page(after: nil).isEmpty)
        #expect(problems.all.map(\.reason) == [.damaged])
        #expect(!FileManager.default.fileExists(atPath: path))
        cache.remember(try FileName("a"), .init(state: [], manifest: ChunkID(hashing: "")))
        cache.write()
        #expect(problems.all.count == 1)
    }

    @Test func `a full cache keeps what it has, and makes room when something goes`() throws {
        let entries = try Self.entries(100)
        let problems = Problems()
        let cache = DepositCache(bytesMax: 200 << 10) { problems.add($0) }
        cache.open(path)
        for (name, entry) in entries { cache.remember(name, entry) }
        cache.write()
        for number in 0..<10 {
            for index in 0..<1_000 {
                cache.remember(
                    try FileName("more/\(number)/\(index)"),
                    .init(state: noise(56), manifest: ChunkID(hashing: "")))
            }
            cache.write()
        }
        #expect(problems.all.map(\.reason) == [.full])
        #expect(!cache.page(after: nil).isEmpty)
        for name in entries.keys { cache.forget(name) }
        cache.write()
        #expect(cache.page(after: nil).allSatisfy { entries[$0.name] == nil })
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_size <= 200 << 10)
    }

    @Test func `one process at a time has it`() throws {
        let first = try CacheFile.open(path) { _ in }
        let problem = #expect(throws: CacheProblem.self) { try CacheFile.open(path) { _ in } }
        #expect(problem?.reason == .inUse)
        try first.write(try Self.entries(1))
    }
}

/// What a cache has told.
private final class Problems: Sendable {
    private let told = Mutex<[CacheProblem]>([])
    func add(_ problem: CacheProblem) { told.withLock { $0.append(problem) } }
    var all: [CacheProblem] { told.withLock { $0 } }
}
