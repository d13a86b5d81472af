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
    private let comparison: SendableBox<TreeComparison>?
    private var pages: PagesAhead?
    private var builder = ManifestBuilder()

    /// - Parameter comparison: with the pages of the depot that it wants.
    init(
        _ sources: some Sequence<UploadSource>, chunker: ContentChunker,
        attributes: SourceAttributes, expecting expected: FileExpectation,
        threads: BlockingThreads, ageMin: Int = TreeTerms.ageUsual,
        comparison: (TreeComparison, NamePages)? = nil,
        onUnchanged: @escaping @Sendable (EntryKind, UInt64) -> Void = { _, _ in }
    ) {
        self.expected = expected
        self.threads = threads
        self.comparison = comparison.map { SendableBox($0.0) }
        pages = (comparison?.1).map { PagesAhead($0) }
        reader = SendableBox(
            SourceChunker(
                sources, chunker, attributes, comparison: comparison?.0, ageMin: ageMin,
                onUnchanged: onUnchanged))
    }

    /// The next group; `nil` when everything was read. A file that fails is reported and passed
    /// over.
    mutating func next() async throws(DepotError) -> UploadGroup? {
        let step = try await nextStep()
        guard !step.portions.isEmpty else { return nil }
        var named = try await threads.name(step.chunks)[...]
        var group = UploadGroup()
        for portion in step.portions {
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

    private mutating func nextStep() async throws(DepotError) -> SourceChunker.Step {
        while true {
            let step = try await threads.blocking { [reader] () throws(DepotError) in
                SendableBox(reader.value.next())
            }.value
            if let name = step.unlisted {
                comparison?.value.add(try await pages?.next(for: name))
            } else if step.portions.isEmpty {
                await pages?.end()
            }
            if !step.portions.isEmpty || step.unlisted == nil { return step }
        }
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
        case .whole(let whole): finish(portion, whole, in: &group)
        }
    }

    /// All of a file is there. One that was read to see whether it is what it seemed to be is
    /// deposited where it is not.
    private mutating func finish(
        _ portion: SourceChunker.Portion, _ whole: SourceChunker.Portion.Whole,
        in group: inout UploadGroup
    ) {
        let manifest = builder.finish()
        builder = ManifestBuilder()
        let id = manifest.reference.id
        switch whole.expected?.compare(whole.state, id, whole.metadata) {
        case .same:
            group.unchangedCount += 1
            return
        case .changedUnseen: group.changedUnseen.append(portion.file.name)
        case .changed, nil: break
        }
        group.warnings += whole.warnings.map { (portion.file, $0) }
        for object in manifest.objects { add(object, of: portion, to: &group) }
        let commit = CommitBody.File(
            name: portion.file.name, manifest: manifest.reference, size: manifest.size,
            metadata: whole.metadata, expecting: expected)
        let state = whole.showsChanges ? whole.state : nil
        group.files.append(
            PreparedFile(
                file: portion.file, commit: commit,
                remembered: state.map { .init(state: $0.bytes, manifest: id) }))
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
