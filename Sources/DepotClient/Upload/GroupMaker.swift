import DepotCore
import DepotWire
import NIOCore

// Groups are what memory is counted in: one is being read and hashed, one waits, one is being sent.

/// Reads, cuts and hashes one file after the other.
struct GroupMaker {
    /// Content of one group, a power of two as buffers are. A few of them, and what of them the network still holds,
    /// are the client's memory.
    static let bytesMax = 8 << 20
    /// Bounds what a group of tiny chunks costs beside its content.
    static let chunksMax = 1_024

    private let threads: HashingThreads
    private let cutter: NotShared<SourceCutter>
    private var builder = ManifestBuilder()

    init(
        _ sources: some Sequence<UploadSource>, _ chunker: ContentChunker, _ threads: HashingThreads
    ) {
        self.threads = threads
        cutter = NotShared(SourceCutter(sources, chunker))
    }

    /// The next group; `nil` when everything was read. A file that fails is reported and passed over.
    mutating func next() async throws(DepotError) -> UploadGroup? {
        let (cuts, chunks) = try await threads.blocking { [cutter] () throws(DepotError) in
            cutter.value.next()
        }
        guard !cuts.isEmpty else { return nil }
        var named = try await threads.name(chunks)[...]
        var group = UploadGroup()
        for cut in cuts {
            let objects = named.prefix(cut.count)
            named = named.dropFirst(cut.count)
            do throws(DepotError) {
                try add(cut, objects, &group)
            } catch {
                group.failures.append((cut.file, error))
                builder = ManifestBuilder()
                cutter.value.leave(cut.file)
            }
        }
        return group
    }

    private mutating func add(
        _ cut: SourceCutter.Cut, _ objects: ArraySlice<VerifiedObject>, _ group: inout UploadGroup
    ) throws(DepotError) {
        var offset = cut.start
        for object in objects {
            let reference = ChunkReference(object)
            group.objects.append(object)
            group.chunks.append(
                PreparedChunk(
                    file: cut.file, reference: reference,
                    origin: cut.path.map { .file(path: $0, offset: offset) } ?? .memory(object)))
            if let piece = try builder.append(reference) { add(piece, of: cut, &group) }
            offset += UInt64(object.length)
            group.bytes += UInt64(object.length)
        }
        switch cut.end {
        case .open: return
        case .failed(let error): throw error
        case .whole(let metadata):
            let manifest = builder.finish()
            if let piece = manifest.lastPiece { add(piece, of: cut, &group) }
            add(manifest.object, of: cut, &group)
            let commit = CommitBody.File(
                name: cut.file.name, manifest: manifest.reference, size: manifest.size,
                metadata: metadata)
            group.files.append(PreparedFile(file: cut.file, commit: commit))
            builder = ManifestBuilder()
        }
    }

    private func add(
        _ object: VerifiedObject, of cut: SourceCutter.Cut, _ group: inout UploadGroup
    ) {
        group.objects.append(object)
        group.chunks.append(
            PreparedChunk(
                file: cut.file, reference: ChunkReference(object), origin: .memory(object)))
    }
}

/// Hands something to another thread and back. Safe because the one who hands it over waits for its return.
struct NotShared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
