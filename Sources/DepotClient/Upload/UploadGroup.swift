import DepotCore
import DepotWire
import NIOCore

/// A chunk that was cut and hashed, and where it can be had again.
struct PreparedChunk: Sendable {
    enum Origin: Sendable {
        case file(path: String, offset: UInt64)
        case memory(VerifiedObject)
    }

    /// Which of the sources it was cut from.
    let file: Int
    let reference: ChunkReference
    let origin: Origin

    /// Bytes of memory that it keeps until it need not be sent again.
    var bytesKept: UInt64 {
        if case .memory = origin { UInt64(reference.length) } else { 0 }
    }
}

/// A file of which everything was read.
struct PreparedFile: Sendable {
    let index: Int
    let commit: CommitBody.File
}

/// Some chunks on their way, of one file or of many, and the files that end with them.
struct UploadGroup: Sendable {
    var objects: [VerifiedObject] = []
    var chunks: [PreparedChunk] = []
    var files: [PreparedFile] = []
    var failures: [(index: Int, error: DepotError)] = []
    /// Bytes of content, for the progress.
    var bytes: UInt64 = 0
}

// Groups are what memory is counted in: one is being read and hashed, one waits, one is being sent.

/// Reads, cuts and hashes one file after the other.
struct GroupMaker {
    /// Content of one group, a power of two as buffers are. A few of them, and what of them the network still holds, are the client's memory.
    static let bytesMax = 8 << 20
    /// Bounds what a group of tiny chunks costs beside its content.
    static let chunksMax = 1_024

    private let sources: [UploadSource]
    private let threads: HashingThreads
    private let chunker: ContentChunker
    private let windows = NotShared(ReadWindows())
    private var index = 0
    private var reader: SourceReader?
    private var builder = ManifestBuilder()

    init(_ sources: [UploadSource], _ chunker: ContentChunker, _ threads: HashingThreads) {
        self.sources = sources
        self.chunker = chunker
        self.threads = threads
    }

    /// The next group; `nil` when everything was read. A file that fails is reported and passed over.
    mutating func next() async throws(DepotError) -> UploadGroup? {
        guard index < sources.count else { return nil }
        var group = UploadGroup()
        // While a chunk of any length fits: a large file fills a group from one window.
        let enough = UInt64(Self.bytesMax - min(Self.bytesMax, chunker.parameters.sizeMax))
        while index < sources.count, group.bytes <= enough, group.objects.count < Self.chunksMax,
            group.files.count < WireLimits.commitFilesMax
        {
            do throws(DepotError) {
                try await advance(&group)
            } catch {
                guard error.code != .unreachable else { throw error }
                group.failures.append((index, error))
                reader = nil
                builder = ManifestBuilder()
                index += 1
            }
        }
        return group
    }

    private mutating func advance(_ group: inout UploadGroup) async throws(DepotError) {
        let room = (
            bytes: Self.bytesMax - Int(group.bytes), count: Self.chunksMax - group.objects.count
        )
        let carried = NotShared(reader)
        let (source, chunker, windows) = (sources[index], chunker, windows)
        let (opened, start, cut) = try await threads.blocking {
            () throws(DepotError) -> (NotShared<SourceReader>, UInt64, [ByteBuffer]) in
            let reader: SourceReader
            if let carried = carried.value {
                reader = carried
            } else {
                reader = try SourceReader(source, chunker, windows.value)
            }
            let start = reader.offset
            return (NotShared(reader), start, try reader.next(bytes: room.bytes, count: room.count))
        }
        reader = opened.value
        let named = try await threads.name(cut)
        var offset = start
        for object in named {
            let isKept = !opened.value.isRepeatable
            let origin = Self.origin(source, offset, object, isKept)
            try add(object, origin, &group)
            offset += UInt64(object.length)
        }
        group.bytes += offset - start
        if opened.value.isFinished { try await finish(opened.value, &group) }
    }

    private static func origin(
        _ source: UploadSource, _ offset: UInt64, _ object: VerifiedObject, _ isKept: Bool
    ) -> PreparedChunk.Origin {
        if !isKept, case .file(let path) = source.origin {
            return .file(path: path, offset: offset)
        }
        return .memory(object)
    }

    private mutating func add(
        _ object: VerifiedObject, _ origin: PreparedChunk.Origin, _ group: inout UploadGroup
    ) throws(DepotError) {
        let reference = ChunkReference(object)
        group.objects.append(object)
        group.chunks.append(PreparedChunk(file: index, reference: reference, origin: origin))
        if let piece = try builder.append(reference) { add(piece, &group) }
    }

    private func add(_ object: VerifiedObject, _ group: inout UploadGroup) {
        group.objects.append(object)
        group.chunks.append(
            PreparedChunk(
                file: index, reference: ChunkReference(object), origin: .memory(object)))
    }

    private mutating func finish(
        _ reader: SourceReader, _ group: inout UploadGroup
    ) async throws(DepotError) {
        try reader.checkUnchanged()
        let manifest = builder.finish()
        if let piece = manifest.lastPiece { add(piece, &group) }
        add(manifest.object, &group)
        group.files.append(
            PreparedFile(
                index: index,
                commit: CommitBody.File(
                    name: reader.source.name, manifest: manifest.reference, size: manifest.size,
                    metadata: reader.metadata)))
        self.reader = nil
        builder = ManifestBuilder()
        index += 1
    }
}

/// Hands something to another thread and back. Safe because the one who hands it over waits for its return.
struct NotShared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
