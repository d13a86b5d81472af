import DepotCore
import DepotWire
import NIOCore

// Groups are what memory is counted in: one is being read and hashed, one waits, one is being sent.

/// Reads, cuts and hashes one file after the other.
struct GroupMaker {
    /// Content of one group, a power of two as buffers are. A few of them, and what of them the
    /// network still holds, are the client's memory.
    static let bytesMax = 8 << 20
    /// Bounds what a group of tiny chunks costs beside its content.
    static let chunksMax = 1_024

    private let threads: BlockingThreads
    private let reader: SendableBox<SourceChunker>
    private let expected: FileExpectation
    private var builder = ManifestBuilder()

    init(
        _ sources: some Sequence<UploadSource>, chunker: ContentChunker,
        attributes: SourceAttributes, expecting expected: FileExpectation,
        threads: BlockingThreads
    ) {
        self.expected = expected
        self.threads = threads
        reader = SendableBox(SourceChunker(sources, chunker, attributes))
    }

    /// The next group; `nil` when everything was read. A file that fails is reported and passed
    /// over.
    mutating func next() async throws(DepotError) -> UploadGroup? {
        let (portions, chunks) = try await threads.blocking { [reader] () throws(DepotError) in
            reader.value.next()
        }
        guard !portions.isEmpty else { return nil }
        var named = try await threads.name(chunks)[...]
        var group = UploadGroup()
        for portion in portions {
            let objects = named.prefix(portion.count)
            named = named.dropFirst(portion.count)
            do throws(DepotError) {
                try add(portion, objects, to: &group)
            } catch {
                group.failures.append((portion.file, error))
                builder = ManifestBuilder()
                reader.value.leave(portion.file)
            }
        }
        return group
    }

    private mutating func add(
        _ portion: SourceChunker.Portion, _ objects: ArraySlice<VerifiedObject>,
        to group: inout UploadGroup
    ) throws(DepotError) {
        var offset = portion.start
        for object in objects {
            let reference = ChunkReference(object)
            group.objects.append(object)
            group.chunks.append(
                PreparedChunk(
                    file: portion.file, reference: reference,
                    origin: portion.place.map { .file($0, offset: offset) } ?? .memory(object)))
            if let piece = try builder.append(reference) { add(piece, of: portion, to: &group) }
            offset += UInt64(object.length)
            group.bytes += UInt64(object.length)
        }
        switch portion.end {
        case .open: return
        case .failed(let error): throw error
        case .whole(let metadata, let warnings):
            group.warnings += warnings.map { (portion.file, $0) }
            let manifest = builder.finish()
            for object in manifest.objects { add(object, of: portion, to: &group) }
            let commit = CommitBody.File(
                name: portion.file.name, manifest: manifest.reference, size: manifest.size,
                metadata: metadata, expecting: expected)
            group.files.append(PreparedFile(file: portion.file, commit: commit))
            builder = ManifestBuilder()
        }
    }

    private func add(
        _ object: VerifiedObject, of portion: SourceChunker.Portion, to group: inout UploadGroup
    ) {
        group.objects.append(object)
        group.chunks.append(
            PreparedChunk(
                file: portion.file, reference: ChunkReference(object), origin: .memory(object)))
    }
}

/// Hands something to another thread and back. Safe because the one who hands it over waits for its
/// return.
struct SendableBox<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
