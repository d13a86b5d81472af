import DepotCore
import DepotWire
import Glibc

// Both a tree and a depot list their names in the order of bytes, and so does the cache. So all
// three are gone through side by side. A tree that is gone through in another order, by a list or
// by way of links, meets names that were passed already: they are deposited.

/// Tells which sources of a tree need not be deposited, because the depot has them as they are. For
/// one thread at a time.
final class TreeComparison {
    enum Verdict {
        /// The depot has not said yet what it has of this name: see `add`.
        case unlisted
        case changed
        /// - Parameter size: of its content, in bytes.
        case unchanged(EntryKind, size: UInt64)
        /// It need not be read, and is read to see whether that is true.
        case recheck(ExpectedFile)
    }

    private let terms: TreeTerms
    private let level: ReplicationLevel
    private let attributes: SourceAttributes
    private var records = ListedRecords()
    private var cached: CachedEntries

    init(
        _ terms: TreeTerms, level: ReplicationLevel, attributes: SourceAttributes,
        cache: DepositCache
    ) {
        self.terms = terms
        self.level = level
        self.attributes = attributes
        cached = CachedEntries(cache)
    }

    /// - Parameter page: what the depot has, from the name on that was unlisted; `nil` at the end.
    func add(_ page: [FileBody]?) { records.add(page) }

    /// The tree was gone through to its end.
    func finish() { cached.finish() }

    /// May block.
    func verdict(on source: UploadSource) -> Verdict {
        let record: FileBody
        switch records.take(source.name) {
        case .unlisted: return .unlisted
        case .none:
            _ = cached.take(source.name)
            return .changed
        case .found(let found): record = found
        }
        let entry = cached.take(source.name)
        guard record.level == level else { return .changed }
        switch source.origin {
        // What was named by way of a link is read.
        case .file, .stream: return .changed
        case .folder, .link, .special:
            return metadata(of: source) == record.metadata
                ? .unchanged(record.metadata.kind, size: 0) : .changed
        case .entry:
            guard let entry, entry.manifest == record.manifest.id,
                let expected = unchanged(source, entry, record)
            else { return .changed }
            return terms.random() < terms.recheckShare
                ? .recheck(expected) : .unchanged(.file, size: record.size)
        }
    }

    /// What would be deposited of that which has no content; `nil` where that cannot be told, or is not
    /// all.
    private func metadata(of source: UploadSource) -> FileMetadata? {
        guard let found = try? attributes.metadata(ofContentless: source), found.1.isEmpty
        else { return nil }
        return found.0
    }

    /// Opens the file, which asks a server of files for its state, and reads nothing of it.
    private func unchanged(
        _ source: UploadSource, _ entry: DepositCache.Entry, _ record: FileBody
    ) -> ExpectedFile? {
        guard case .place(let place) = source.input,
            let (descriptor, status) = try? place.openFile()
        else { return nil }
        defer { close(descriptor) }
        let state = FileState(status)
        // Names of one file are marked anew in each deposit, all of them.
        guard state.bytes == entry.state, status.st_nlink == 1 else { return nil }
        let (metadata, warnings) = attributes.metadata(of: descriptor, status, isInTree: true)
        guard metadata == record.metadata, warnings.isEmpty else { return nil }
        return ExpectedFile(state: state, manifest: entry.manifest, metadata: metadata)
    }
}

/// What a file is to be found as that is read though it need not be.
struct ExpectedFile: Sendable {
    let state: FileState
    let manifest: ChunkID
    let metadata: FileMetadata

    enum Finding {
        case same
        /// Something changed, and shows it.
        case changed
        /// Its content is another one, and nothing shows it.
        case changedUnseen
    }

    func compare(_ state: FileState?, _ manifest: ChunkID, _ metadata: FileMetadata) -> Finding {
        guard state == self.state else { return .changed }
        if manifest != self.manifest { return .changedUnseen }
        return metadata == self.metadata ? .same : .changed
    }
}
