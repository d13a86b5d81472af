import DepotCore
import DepotWire
import Glibc
import NIOCore

// Size and time say that a file was left alone, and not that a disk gave back what was written. So
// a retrieval can be told to read what is there. It is hashed in the pieces that its manifest lists,
// whatever cut them; of the depot nothing is fetched but manifests of several chunks.

/// Tells whether files that are there have the content that the depot knows.
public struct ContentComparison: Sendable {
    private let server: any FileServerAPI
    private let threads: BlockingThreads
    private let entries: TreeEntries
    private let pause: @Sendable (Duration) async throws -> Void

    /// - Parameter pause: waits between two renewals of a lease.
    public init(
        server: any FileServerAPI, threads: BlockingThreads, entries: TreeEntries,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.server = server
        self.threads = threads
        self.entries = entries
        self.pause = pause
    }

    /// Reads a file as far as it is what it is to be. No more than one window is in memory.
    ///
    /// - Parameter restoring: whether one with the same content gets what it lacks beside.
    /// - Returns: `unchanged`, `lacking` or `failed`.
    public func compare(
        _ entry: TreeEntries.Entry, _ version: VersionName, restoring: Bool
    ) async -> TreeEntries.Outcome {
        do throws(DepotError) {
            let there = try await threads.blocking { [entries] () throws(DepotError) in
                try entries.openedFile(entry)
            }
            guard let there, try await has(there, entry.file, version) else {
                return .lacking(entry)
            }
            guard restoring else { return .unchanged(entry.file, []) }
            let warnings = try await threads.blocking { [entries] in
                entries.restoreCompared(entry, there)
            }
            return warnings.map { .unchanged(entry.file, $0) } ?? .lacking(entry)
        } catch {
            return .failed(entry.file.name, error)
        }
    }

    private func has(
        _ there: FileThere, _ file: FileBody, _ version: VersionName
    ) async throws(DepotError) -> Bool {
        if let manifest = file.manifest.inlineManifest {
            var walk = ManifestWalk(manifest)
            guard case .chunks(let chunks) = walk.next() else { return true }
            return try await has(there, chunks)
        }
        let opened = try await OpenedFiles([version], server: server, threads: threads)
        let lease = opened.lease
        let keeper = LeaseKeeper(lease: opened.leaseTime, pause: pause) {
            () async throws(DepotError) in try await lease.renew()
        }
        let result: Result<Bool, DepotError>
        do throws(DepotError) {
            result = .success(
                try await keeper.whileRunning { () async throws(DepotError) in
                    try await has(there, file, from: opened)
                })
        } catch {
            result = .failure(error)
        }
        await opened.close()
        return try result.get()
    }

    private func has(
        _ there: FileThere, _ file: FileBody, from opened: OpenedFiles
    ) async throws(DepotError) -> Bool {
        // Somebody may have committed something else since it was listed.
        guard try opened.files[0].get().manifest == file.manifest else { return false }
        var opened = opened
        var walk = ManifestWalk(try await opened.manifest(of: file))
        while true {
            switch walk.next() {
            case .piece(let reference):
                try walk.take(try await opened.fetch(reference, of: file.name))
            case .chunks(let chunks):
                guard try await has(there, chunks) else { return false }
            case .end: return true
            }
        }
    }

    /// - Parameter chunks: behind one another.
    private func has(
        _ there: FileThere, _ chunks: [PlacedChunk]
    ) async throws(DepotError) -> Bool {
        let window = SendableBox(ContentWindow(there))
        for batch in chunks.batches(
            sizeMax: GroupMaker.bytesMax, size: { Int($0.reference.length) })
        {
            guard !Task.isCancelled else { throw DepotError(.unreachable, "given up") }
            let slices = try await threads.blocking { () throws(DepotError) in
                SendableBox(try window.value.read(batch))
            }.value
            guard let slices else { return false }
            let named = try await threads.name(slices)
            guard named.map(\.id.hash) == batch.map(\.reference.id) else { return false }
        }
        return true
    }
}

extension TreeEntries {
    /// - Returns: `nil` where none is there that could have the content.
    func openedFile(_ entry: Entry) throws(DepotError) -> FileThere? {
        let there = try folders.openedFile(entry.path)
        return there?.status.st_size == off_t(exactly: entry.file.size) ? there : nil
    }

    /// Gives a file that has the content what it lacks beside.
    ///
    /// - Returns: `nil` where it changed meanwhile, or is to be fetched all the same: whoever has it
    ///   open could still write to it, so it gets no other owner, and no rights of an owner.
    func restoreCompared(_ entry: Entry, _ there: FileThere) -> [RestoreWarning]? {
        var status = stat()
        guard fstat(there.descriptor, &status) == 0,
            FileState(status) == FileState(there.status)
        else { return nil }
        return restoreAgain(entry.file.metadata, there.descriptor, status)
    }
}

/// A regular file that is there, open for reading, as it was then.
final class FileThere: Sendable {
    let descriptor: Int32
    let status: stat
    /// For messages.
    let shown: String

    init(descriptor: Int32, status: stat, shown: String) {
        self.descriptor = descriptor
        self.status = status
        self.shown = shown
    }

    deinit { close(descriptor) }
}

/// Memory that a file is read into, again and again. For one thread at a time.
private final class ContentWindow {
    private let file: FileThere
    private var buffer = ByteBuffer()

    init(_ file: FileThere) { self.file = file }

    /// - Parameter chunks: behind one another; at least one.
    /// - Returns: their bytes; `nil` where the file has not so many.
    func read(_ chunks: [PlacedChunk]) throws(DepotError) -> [ByteBuffer]? {
        let count = chunks.reduce(0) { $0 + Int($1.reference.length) }
        let start = chunks[0].offset
        guard start + UInt64(count) <= UInt64(clamping: file.status.st_size) else { return nil }
        // Where somebody holds slices still, this leaves them what they have.
        buffer.clear(minimumCapacity: count)
        let isWhole = try SourceReader.read(
            file.descriptor, at: start, count: count, into: &buffer, file.shown)
        guard isWhole else { return nil }
        return chunks.compactMap {
            buffer.getSlice(at: Int($0.offset - start), length: Int($0.reference.length))
        }
    }
}
