import DepotCore
import DepotWire

// A small file by itself costs several requests, each with its round trip and its wake-ups, and a
// sync of the disk: ten times what its bytes cost. Together they cost that once a group: one lease,
// the manifests that are not inline in one batch, the chunks in a few, and one sync before they all
// get their names. Whatever goes wrong with a group is found out by retrieving its files one by one,
// which says what is wrong with which.

/// Retrieves many small files together.
public struct GroupDownload: Sendable {
    /// Larger files are better off alone.
    public static let fileBytesMax: UInt64 = 1 << 20
    /// Content of one group: it is in memory as a whole.
    public static let bytesMax: UInt64 = 4 << 20
    public static let filesMax = 256

    public struct Order: Sendable {
        public let name: VersionName
        /// Where the file goes.
        public let target: DownloadTarget

        public init(name: VersionName, target: DownloadTarget) {
            self.name = name
            self.target = target
        }
    }

    private let server: any FileServerAPI
    private let threads: BlockingThreads
    private let attributes: FileAttributes
    private let single: DownloadPipeline
    private let onBytes: @Sendable (UInt64) -> Void

    /// - Parameters:
    ///   - options: what is restored beside bytes, modes and times.
    ///   - onBytes: told of bytes that were written.
    public init(
        server: any FileServerAPI, threads: BlockingThreads,
        restoring options: RestoreOptions = RestoreOptions(),
        onBytes: @escaping @Sendable (UInt64) -> Void
    ) {
        attributes = FileAttributes(options: options)
        self.server = server
        self.threads = threads
        self.onBytes = onBytes
        single = DownloadPipeline(
            server: server, threads: threads, restoring: options, onBytes: onBytes)
    }

    /// One file, of any size, is retrieved by itself.
    ///
    /// - Returns: for each file, in order, what was retrieved or why it was not.
    public func run(_ orders: [Order]) async -> [Result<DownloadReport, DepotError>] {
        var results: [Result<DownloadReport, DepotError>?] = orders.map { _ in nil }
        var absence: DepotError?
        if orders.count > 1 {
            do throws(DepotError) {
                try await together(orders, &results)
            } catch {
                // But for this each of them says for itself what is wrong.
                absence = Self.absence(error)
            }
        }
        for (index, order) in orders.enumerated() where results[index] == nil {
            do throws(DepotError) {
                if let absence { throw absence }
                results[index] = .success(try await single.run(order.name, to: order.target))
            } catch {
                absence = Self.absence(error)
                results[index] = .failure(error)
            }
        }
        return results.compactMap { $0 }
    }

    /// Who has waited in vain for the FileServer does not wait once more for each file of the
    /// group.
    private static func absence(_ error: DepotError) -> DepotError? {
        error.code == .unreachable ? error : nil
    }

    private struct OpenedFile {
        let index: Int
        let file: FileBody
        var chunks: [PlacedChunk] = []
    }

    private func together(
        _ orders: [Order], _ results: inout [Result<DownloadReport, DepotError>?]
    ) async throws(DepotError) {
        var opened = try await OpenedFiles(
            orders.map(\.name), server: server, threads: threads)
        do throws(DepotError) {
            try await write(orders, of: &opened, &results)
        } catch {
            if Self.absence(error) == nil { await opened.close() }
            throw error
        }
        await opened.close()
    }

    private func write(
        _ orders: [Order], of opened: inout OpenedFiles,
        _ results: inout [Result<DownloadReport, DepotError>?]
    ) async throws(DepotError) {
        var found: [OpenedFile] = []
        for (index, result) in opened.files.enumerated() {
            switch result {
            case .success(let file): found.append(OpenedFile(index: index, file: file))
            case .failure(let error): results[index] = .failure(error)
            }
        }
        // Somebody may have committed something larger since the names were listed.
        found = Self.fitting(found)
        guard let name = found.first?.file.name else { return }
        var objects: [ChunkID: VerifiedObject] = [:]
        let stored = found.filter { !$0.file.manifest.isInline }
            .map { PlacedChunk(offset: 0, reference: $0.file.manifest.text) }
        try await fetch(stored, of: name, from: &opened, into: &objects)
        var placed: [OpenedFile] = []
        for one in found {
            guard let manifest = try Self.manifest(of: one.file, in: objects),
                let whole = Self.placed(one, manifest)
            else { continue }
            placed.append(whole)
        }
        try await fetch(placed.flatMap(\.chunks), of: name, from: &opened, into: &objects)
        for stretch in placed.batches(sizeMax: Descriptors.filesAtOnce, size: { _ in 1 }) {
            let warnings = try await write(stretch, to: orders, from: objects)
            for (one, warnings) in zip(stretch, warnings) {
                let chunks = Set([one.file.manifest.id] + one.chunks.map(\.reference.id))
                let bad = opened.badCopies.filter { chunks.contains($0.chunk) }
                results[one.index] = .success(
                    DownloadReport(file: one.file, badCopies: bad, warnings: warnings))
                onBytes(one.file.size)
            }
        }
    }

    private static func manifest(
        of file: FileBody, in objects: [ChunkID: VerifiedObject]
    ) throws(DepotError) -> Manifest? {
        if let manifest = file.manifest.inlineManifest { return manifest }
        guard let text = objects[file.manifest.id] else { return nil }
        return try Manifest(parsing: text.contiguous)
    }

    private static func fitting(_ opened: [OpenedFile]) -> [OpenedFile] {
        var bytes: UInt64 = 0
        return opened.filter { one in
            guard one.file.metadata.kind == .file, one.file.size <= fileBytesMax,
                bytes + one.file.size <= 2 * bytesMax
            else {
                return false
            }
            bytes += one.file.size
            return true
        }
    }

    /// - Returns: `nil` for a manifest in pieces, or one that does not fit its file.
    private static func placed(_ one: OpenedFile, _ manifest: Manifest) -> OpenedFile? {
        var (walk, one) = (ManifestWalk(manifest), one)
        var bytes: UInt64 = 0
        while true {
            switch walk.next() {
            case .piece: return nil
            case .chunks(let chunks):
                one.chunks += chunks
                bytes += chunks.reduce(0) { $0 + UInt64($1.reference.length) }
            case .end: return bytes == one.file.size ? one : nil
            }
        }
    }

    /// Files share chunks: each is fetched once.
    ///
    /// - Parameter name: of one of the files, for errors.
    private func fetch(
        _ chunks: [PlacedChunk], of name: FileName, from opened: inout OpenedFiles,
        into objects: inout [ChunkID: VerifiedObject]
    ) async throws(DepotError) {
        var known = Set(objects.keys)
        let missing = chunks.filter { known.insert($0.reference.id).inserted }
        for object in try await opened.fetch(missing, of: name) {
            objects[object.id.hash] = object
        }
    }

    /// Gives files their names, durably.
    ///
    /// - Returns: what of each did not come back though its bytes did.
    private func write(
        _ files: [OpenedFile], to orders: [Order], from objects: [ChunkID: VerifiedObject]
    ) async throws(DepotError) -> [[RestoreWarning]] {
        let (work, attributes) = (SendableBox(files), attributes)
        return try await threads.blocking { () throws(DepotError) in
            var sinks: [(sink: FileSink, metadata: FileMetadata)] = []
            do throws(DepotError) {
                for one in work.value {
                    let sink = try FileSink(
                        orders[one.index].target, holes: one.file.metadata.holes)
                    sinks.append((sink, one.file.metadata))
                    for chunk in one.chunks {
                        guard let object = objects[chunk.reference.id] else {
                            throw DepotError(
                                .internalError, "no chunk came", object: chunk.reference.id.hex)
                        }
                        try sink.write(object)
                    }
                }
                try FileSink.finish(sinks, attributes: attributes)
            } catch {
                for (sink, _) in sinks { sink.abandon() }
                throw error
            }
            return sinks.map(\.sink.warnings)
        }
    }
}
