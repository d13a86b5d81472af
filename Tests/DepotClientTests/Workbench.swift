import DepotClient
import DepotCore
import DepotTestSupport
import DepotWire
import Foundation
import Synchronization
import Testing

/// A folder that goes away, and what deposits and retrieves with it.
final class Workbench: Sendable {
    let folder: String
    let server: MemoryFileServer
    /// All benches have the same: these threads end with the tests.
    var threads: BlockingThreads { Self.threads }
    private static let threads = BlockingThreads(count: 2)
    private let told = Mutex(Told())

    struct Told: Sendable {
        var receipts: [ReceiptBody] = []
        var failures: [(name: String, error: DepotError)] = []
        var warnings: [(name: String, text: String)] = []
        var bytes: UInt64 = 0
        /// How many, by the word for what they are.
        var unchanged: [String: Int] = [:]
        var changedUnseen: [String] = []
        var cacheProblems: [String] = []
        var names: [String] { receipts.map(\.name.text) }
    }

    init(_ server: MemoryFileServer = MemoryFileServer()) throws {
        self.server = server
        folder = FileManager.default.temporaryDirectory.path + "/depot-client-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    @discardableResult
    func file(_ name: String, _ bytes: [UInt8]) throws -> UploadSource {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return try source(name)
    }

    func source(_ name: String) throws -> UploadSource {
        UploadSource(name: try FileName(name), origin: .file(path: path(name)))
    }

    func content(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path(name)).map { [UInt8]($0) }
    }

    var entries: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    /// Deposits, and says what was told.
    @discardableResult
    func deposit(
        _ sources: some Sequence<UploadSource> & Sendable,
        level: ReplicationLevel = .three, tree: TreeTerms? = nil,
        chunks: ChunkerParameters = .default,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) async throws(DepotError) -> Told {
        told.withLock { $0 = Told() }
        let pipeline = UploadPipeline(
            server: server, threads: threads, deposit: .random(), level: level, requireAll: false,
            tree: tree, chunks: chunks, pause: pause,
            onEvent: { event in
                self.told.withLock { told in
                    switch event {
                    case .advanced(let bytes): told.bytes += bytes
                    case .deposited(let receipt, _): told.receipts.append(receipt)
                    case .unchanged(let kind, let bytes):
                        told.bytes += bytes
                        told.unchanged[kind.word, default: 0] += 1
                    case .changedUnseen(let name): told.changedUnseen.append(name.text)
                    case .warnedOfCache(let problem):
                        told.cacheProblems.append(problem.description)
                    case .warned(let name, let warning):
                        told.warnings.append((name.text, warning.description))
                    case .failed(let name, let error): told.failures.append((name.text, error))
                    }
                }
            })
        try await pipeline.run(sources)
        return told.withLock { $0 }
    }

    /// What was told by a deposit that threw.
    var lastTold: Told { told.withLock { $0 } }

    @discardableResult
    func retrieve(_ name: String, to path: String) async throws(DepotError) -> DownloadReport {
        try await retrieve(name, to: .path(path))
    }

    @discardableResult
    func retrieve(
        _ name: String, to target: DownloadTarget,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) async throws(DepotError) -> DownloadReport {
        let pipeline = DownloadPipeline(
            server: server, threads: threads, pause: pause, onBytes: { _ in })
        return try await pipeline.run(VersionName(FileName(name)), to: target)
    }

    func retrieve(_ name: String) async throws -> [UInt8]? {
        try await retrieve(name, to: path("back"))
        defer { unlink(path("back")) }
        return content("back")
    }
}

/// Bytes that look random and are the same every time.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
        let raw = UnsafeMutableRawBufferPointer(bytes)
        var offset = 0
        while offset + 8 <= count {
            raw.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count {
            raw[offset] = UInt8(truncatingIfNeeded: generator.next())
            offset += 1
        }
        initialized = count
    }
}
