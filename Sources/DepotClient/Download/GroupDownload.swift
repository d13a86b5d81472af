import DepotCore
import DepotWire

// A small file by itself costs four requests, each with its round trip and its wake-ups, and a sync of the disk: ten
// times what its bytes cost. Together they cost that once a group: one lease, their manifests in one batch, their chunks
// in a few, and one sync before they all get their names. Whatever goes wrong with a group is found out by retrieving
// its files one by one, which says what is wrong with which.

/// Retrieves many small files together.
public struct GroupDownload: Sendable {
    /// Larger files are better off alone.
    public static let fileBytesMax: UInt64 = 1 << 20
    /// Content of one group: it is in memory as a whole.
    public static let bytesMax: UInt64 = 4 << 20
    public static let filesMax = 256

    public struct Order: Sendable {
        public let name: FileName
        /// Where the file goes.
        public let path: String

        public init(name: FileName, path: String) {
            self.name = name
            self.path = path
        }
    }

    private let door: any FileServerDoor
    private let threads: HashingThreads
    private let single: DownloadPipeline
    private let onBytes: @Sendable (UInt64) -> Void

    /// - Parameter onBytes: told of bytes that were written.
    public init(
        door: any FileServerDoor, threads: HashingThreads,
        onBytes: @escaping @Sendable (UInt64) -> Void
    ) {
        self.door = door
        self.threads = threads
        self.onBytes = onBytes
        single = DownloadPipeline(door: door, threads: threads, onBytes: onBytes)
    }

    /// One file, of any size, is retrieved by itself.
    ///
    /// - Returns: for each file, in order, what was retrieved or why it was not.
    public func run(_ orders: [Order]) async -> [Result<DownloadReport, DepotError>] {
        var results: [Result<DownloadReport, DepotError>?] = orders.map { _ in nil }
        var absence: DepotError?
        if orders.count > 1 {
            let retrieval = RetrievalID.random()
            do throws(DepotError) {
                try await together(orders, retrieval, &results)
            } catch {
                // But for this each of them says for itself what is wrong.
                absence = Self.absence(error)
            }
            // The lease ends by itself.
            if absence == nil { try? await door.closeRetrieval(retrieval) }
        }
        for (index, order) in orders.enumerated() where results[index] == nil {
            do throws(DepotError) {
                if let absence { throw absence }
                results[index] = .success(try await single.run(order.name, to: .path(order.path)))
            } catch {
                absence = Self.absence(error)
                results[index] = .failure(error)
            }
        }
        return results.compactMap { $0 }
    }

    /// Who has waited in vain for the FileServer does not wait once more for each file of the group.
    private static func absence(_ error: DepotError) -> DepotError? {
        error.code == .unreachable ? error : nil
    }

    private struct Opened {
        let index: Int
        let file: FileBody
        var chunks: [PlacedChunk] = []
    }

    private func together(
        _ orders: [Order], _ retrieval: RetrievalID,
        _ results: inout [Result<DownloadReport, DepotError>?]
    ) async throws(DepotError) {
        let body = OpenRetrievalBody(retrieval: retrieval, names: orders.map(\.name))
        let answer = try await door.openRetrieval(body)
        guard answer.files.count == orders.count else { return }
        var opened: [Opened] = []
        for (index, found) in answer.files.enumerated() {
            do throws(DepotError) {
                opened.append(Opened(index: index, file: try found.get()))
            } catch {
                results[index] = .failure(error)
            }
        }
        // Somebody may have committed something larger since the names were listed.
        opened = Self.fitting(opened)
        guard let name = opened.first?.file.name else { return }
        var fetched = Fetched()
        try await fetch(
            opened.map { PlacedChunk(offset: 0, reference: $0.file.manifest) }, of: name, retrieval,
            &fetched)
        var placed: [Opened] = []
        for one in opened {
            guard let text = fetched.objects[one.file.manifest.id],
                let whole = Self.placed(one, try Manifest(parsing: text.contiguous))
            else { continue }
            placed.append(whole)
        }
        try await fetch(placed.flatMap(\.chunks), of: name, retrieval, &fetched)
        let written = try await write(placed, orders, fetched)
        for one in written {
            let chunks = Set([one.file.manifest.id] + one.chunks.map(\.reference.id))
            results[one.index] = .success(
                DownloadReport(
                    file: one.file, badCopies: fetched.bad.filter { chunks.contains($0.chunk) }))
            onBytes(one.file.size)
        }
    }

    private static func fitting(_ opened: [Opened]) -> [Opened] {
        var bytes: UInt64 = 0
        return opened.filter { one in
            guard one.file.size <= fileBytesMax, bytes + one.file.size <= 2 * bytesMax else {
                return false
            }
            bytes += one.file.size
            return true
        }
    }

    /// - Returns: `nil` for a manifest in pieces, or one that does not fit its file.
    private static func placed(_ one: Opened, _ manifest: Manifest) -> Opened? {
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

    private struct Fetched: Sendable {
        var objects: [ChunkID: VerifiedObject] = [:]
        var bad: [BadCopyReport] = []
    }

    /// Files share chunks: each is fetched once.
    ///
    /// - Parameter name: of one of the files, for errors.
    private func fetch(
        _ chunks: [PlacedChunk], of name: FileName, _ retrieval: RetrievalID,
        _ fetched: inout Fetched
    ) async throws(DepotError) {
        var known = Set(fetched.objects.keys)
        let missing = chunks.filter { known.insert($0.reference.id).inserted }
        let fetcher = ChunkFetch(door: door, threads: threads, retrieval: retrieval, name: name)
        for batch in ChunkFetch.batches(missing) {
            let (objects, bad) = try await fetcher.fetch(batch)
            for object in objects { fetched.objects[object.id.hash] = object }
            fetched.bad += bad
        }
    }

    /// - Returns: those that have their names, durably.
    private func write(
        _ opened: [Opened], _ orders: [Order], _ fetched: Fetched
    ) async throws(DepotError) -> [Opened] {
        let work = NotShared(opened)
        return try await threads.blocking { () throws(DepotError) in
            var sinks: [(sink: FileSink, one: Opened)] = []
            do throws(DepotError) {
                for one in work.value {
                    let sink = try FileSink(
                        .path(orders[one.index].path), mode: one.file.metadata.mode)
                    sinks.append((sink, one))
                    for chunk in one.chunks {
                        guard let object = fetched.objects[chunk.reference.id] else {
                            throw DepotError(
                                .internalError, "no chunk came", object: chunk.reference.id.hex)
                        }
                        try sink.write(object)
                    }
                }
                try FileSink.finish(sinks.map { ($0.sink, $0.one.file.metadata) })
            } catch {
                for (sink, _) in sinks { sink.abandon() }
                throw error
            }
            return sinks.map(\.one)
        }
    }
}
