import DepotCore
import DepotWire

// Between two barriers is what may still be asked for again. Of a file that is read over several
// barriers the places of earlier chunks are remembered, too: a replica that comes back with another
// disk, or a lease that ended, can make the commit at its end ask for them.

/// The groups that were sent since the last settlement began.
struct SentGroups {
    /// Content between two barriers: a sync on every replica for each.
    private static let bytesMax: UInt64 = 64 << 20
    /// Of a stream, chunks are kept in memory until their barrier.
    private static let bytesKeptMax: UInt64 = 8 << 20
    private static let chunksMax = 8_192

    private var groups: [UploadGroup] = []
    private var bytes: UInt64 = 0
    private var bytesKept: UInt64 = 0
    private var chunks = 0
    private var files = 0

    mutating func add(_ group: UploadGroup) {
        bytes += group.bytes
        bytesKept += group.chunks.reduce(0) { $0 + $1.bytesKept }
        chunks += group.chunks.count
        files += group.files.count + group.failures.count
        var sent = group
        sent.objects = []
        groups.append(sent)
    }

    var isFull: Bool {
        bytes >= Self.bytesMax || bytesKept >= Self.bytesKeptMax || chunks >= Self.chunksMax
            || files >= WireLimits.commitFilesMax
    }

    mutating func take() -> [UploadGroup] {
        defer { self = SentGroups() }
        return groups
    }
}

/// What is being settled, and where it can be had again.
struct PendingChunks {
    /// Remembered of the file that is being read: some 20 MB for 128 GiB. Beyond, a loss fails the
    /// file.
    private static let earlierMax = 131_072

    private var chunks: [PreparedChunk] = []
    private var places: [ChunkID: Int] = [:]
    private var earlier: [ChunkID: PreparedChunk] = [:]
    private var files: [PreparedFile] = []
    private var givenUp: Set<Int> = []
    /// Which files cannot be committed for want of a chunk.
    private var lacking: [ChunkID: [SourceFile]] = [:]
    /// The source that was read last: it may go on.
    private var newest = 0

    mutating func add(_ group: UploadGroup) {
        newest = max(newest, group.chunks.last?.file.index ?? 0)
        for chunk in group.chunks where !givenUp.contains(chunk.file.index) {
            if places[chunk.reference.id] == nil { places[chunk.reference.id] = chunks.count }
            chunks.append(chunk)
        }
        files += group.files.filter { !givenUp.contains($0.file.index) }
    }

    var isEmpty: Bool { chunks.isEmpty && files.isEmpty }

    /// Each chunk once, but for those that are files.
    var references: [ChunkReference] {
        let files = Set(files.compactMap(\.commit.manifest.chunk?.id))
        return places.filter { !files.contains($0.key) }.values.sorted().map {
            chunks[$0].reference
        }
    }

    /// The files that are whole, as many at a time as a commit takes.
    var commits: [[PreparedFile]] {
        files.batches(
            sizeMax: WireLimits.bodyBytesMax / 2, countMax: WireLimits.commitFilesMax
        ) { 2 * $0.file.name.text.utf8.count + $0.commit.metadata.textSize }
    }

    func knows(_ reference: ChunkReference) -> Bool { origin(of: reference) != nil }

    /// Where a chunk can be had again, in a file that was not given up.
    func origin(of reference: ChunkReference) -> PreparedChunk? {
        let id = reference.id
        if let place = places[id] {
            if !givenUp.contains(chunks[place].file.index) { return chunks[place] }
            // Seldom: another file with the same chunk.
            let other = chunks.first { $0.reference.id == id && !givenUp.contains($0.file.index) }
            if let other { return other }
        }
        return earlier[id].flatMap { givenUp.contains($0.file.index) ? nil : $0 }
    }

    /// Whole files that lacked the chunk at their last commit, and were not given up.
    func files(lacking chunk: ChunkReference) -> [SourceFile] {
        (lacking[chunk.id] ?? []).filter { !givenUp.contains($0.index) }
    }

    mutating func forgetLacking() { lacking = [:] }

    mutating func note(_ chunk: ChunkReference, of file: SourceFile) {
        lacking[chunk.id, default: []].append(file)
    }

    mutating func finish(_ indices: Set<Int>) {
        files.removeAll { indices.contains($0.file.index) }
    }

    /// - Returns: whether the file had not been given up before.
    mutating func giveUp(_ index: Int) -> Bool {
        finish([index])
        newest = max(newest, index)
        return givenUp.insert(index).inserted
    }

    /// Everything so far is durable, and every file that was whole is done with.
    mutating func settled() {
        // Files are read one after the other. Of those that are done with nothing is remembered,
        // however many they are.
        givenUp = givenUp.filter { $0 == newest }
        earlier = earlier.filter { $0.value.file.index == newest }
        for chunk in chunks where chunk.file.index == newest {
            guard case .file = chunk.origin, earlier.count < Self.earlierMax else { continue }
            earlier[chunk.reference.id] = chunk
        }
        chunks.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        forgetLacking()
        files = []
    }
}
