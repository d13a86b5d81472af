import DepotCore
import DepotWire
import Glibc
import NIOCore

/// Opens one source after the other, and cuts as much as a group takes. For one thread at a time:
/// many small files cost one change of threads.
final class SourceChunker {
    /// Consecutive chunks of one source.
    struct Portion {
        enum End {
            /// More of it comes with the next group.
            case open
            case whole(Whole)
            case failed(DepotError)
        }

        struct Whole {
            var metadata: FileMetadata
            var warnings: [DepositWarning]
            /// What it was like; `nil` for what has no content.
            var state: FileState?
            /// Whether each later change shows in that.
            var showsChanges = false
            /// What it is to be found as.
            var expected: ExpectedFile?
        }

        let file: SourceFile
        /// Where it can be read a second time.
        let place: SourcePlace?
        /// Of the first chunk, in the file.
        let start: UInt64
        /// Of chunks.
        let count: Int
        let end: End
    }

    /// What comes next.
    struct Step {
        /// None when everything was read, unless there is a name that is unlisted.
        var portions: [Portion] = []
        /// Of all portions, as slices of one window.
        var chunks: [ByteBuffer] = []
        /// It goes on when it was said what the depot has from this name on.
        var unlisted: FileName?
    }

    private struct Source {
        let file: SourceFile
        let source: UploadSource
        /// What it is to be found as, where it is read to see that.
        let expected: ExpectedFile?
    }

    /// Gives one at a time, and none before the first is needed: a folder of any number of files
    /// takes no memory.
    private let nextGiven: () -> UploadSource?
    private let chunker: ContentChunker
    private let attributes: SourceAttributes
    private let windows: ReadWindows
    private let comparison: TreeComparison?
    private let ageMin: Int
    private let onUnchanged: (EntryKind, UInt64) -> Void
    private var current: Source?
    /// Of which the depot has not said yet what it has.
    private var waiting: UploadSource?
    private var reader: SourceReader?
    private var openedCount = 0

    /// - Parameters:
    ///   - comparison: tells which sources are passed over.
    ///   - ageMin: see `TreeTerms`.
    ///   - onUnchanged: is told of those, with the bytes of their content.
    init<Sources: Sequence<UploadSource>>(
        _ sources: Sources, _ chunker: ContentChunker,
        _ attributes: SourceAttributes, comparison: TreeComparison? = nil,
        ageMin: Int = TreeTerms.ageUsual,
        onUnchanged: @escaping (EntryKind, UInt64) -> Void = { _, _ in }
    ) {
        // In this closure alone, it is changed in place. Kept as `any`, it would be copied for each
        // name, with all names that are to come.
        var iterator: Sources.Iterator?
        nextGiven = {
            if iterator == nil { iterator = sources.makeIterator() }
            return iterator?.next()
        }
        self.chunker = chunker
        self.attributes = attributes
        self.comparison = comparison
        self.ageMin = ageMin
        self.onUnchanged = onUnchanged
        windows = ReadWindows(size: max(GroupMaker.bytesMax, chunker.parameters.sizeMax))
    }

    /// What the next group consists of. A source that goes on is the last: no group has two
    /// portions of one.
    func next() -> Step {
        var window = windows.next()
        var portions: [Portion] = []
        var places: [Range<Int>] = []
        // While a chunk of any length fits: a large file fills a group from one window.
        while window.writableBytes >= chunker.parameters.sizeMax,
            portions.count < WireLimits.commitFilesMax
        {
            // A file's manifest may be an object, too.
            let chunksLeft = GroupMaker.chunksMax - places.count - portions.count
            guard chunksLeft > 0, let next = nextSource() else { break }
            if let end = contentless(next.source) {
                portions.append(
                    Portion(file: next.file, place: nil, start: 0, count: 0, end: end))
                leave(next.file)
                continue
            }
            portions.append(read(next, into: &window, atMost: chunksLeft, &places))
            if case .open = portions.last?.end { break }
        }
        windows.keep(window)
        let chunks = places.compactMap { window.getSlice(at: $0.lowerBound, length: $0.count) }
        return Step(portions: portions, chunks: chunks, unlisted: waiting?.name)
    }

    /// The one that is being read, or the next that is not passed over; `nil` at the end, and where
    /// one waits.
    private func nextSource() -> Source? {
        while current == nil {
            guard let source = waiting.take() ?? nextGiven() else {
                comparison?.finish()
                return nil
            }
            switch comparison?.verdict(on: source) ?? .changed {
            case .unlisted:
                waiting = source
                return nil
            case .unchanged(let kind, let size): onUnchanged(kind, size)
            case .changed: begin(source, expecting: nil)
            case .recheck(let expected): begin(source, expecting: expected)
            }
        }
        return current
    }

    private func begin(_ source: UploadSource, expecting expected: ExpectedFile?) {
        let file = SourceFile(index: openedCount, name: source.name)
        current = Source(file: file, source: source, expected: expected)
        openedCount += 1
    }

    /// - Returns: how that ends which has no content; `nil` for what has content.
    private func contentless(_ source: UploadSource) -> Portion.End? {
        do throws(DepotError) {
            return try attributes.metadata(ofContentless: source).map {
                .whole(.init(metadata: $0.0, warnings: $0.1))
            }
        } catch {
            return .failed(error)
        }
    }

    private func read(
        _ next: Source, into window: inout ByteBuffer,
        atMost chunksLeft: Int, _ places: inout [Range<Int>]
    ) -> Portion {
        var (place, start): (SourcePlace?, UInt64) = (nil, 0)
        var chunks: [Range<Int>] = []
        let end: Portion.End
        do throws(DepotError) {
            let reader = try opened(next.source)
            place = reader.place
            start = reader.offset
            let cut = try reader.next(into: &window, atMost: chunksLeft)
            if reader.isFinished {
                try reader.checkUnchanged()
                end = .whole(
                    .init(
                        metadata: reader.metadata, warnings: reader.warnings, state: reader.state,
                        showsChanges: reader.showsChanges(after: ageMin), expected: next.expected))
            } else {
                end = .open
            }
            chunks = cut
        } catch {
            end = .failed(error)
        }
        places += chunks
        let portion = Portion(
            file: next.file, place: place, start: start, count: chunks.count, end: end)
        if case .open = end { return portion }
        leave(next.file)
        return portion
    }

    private func opened(_ source: UploadSource) throws(DepotError) -> SourceReader {
        if let reader { return reader }
        let opened = try SourceReader(source, chunker, attributes)
        reader = opened
        return opened
    }

    /// Goes on with the source behind this one, unless that was done before.
    func leave(_ file: SourceFile) {
        guard file.index == current?.file.index else { return }
        (reader, current) = (nil, nil)
    }
}
