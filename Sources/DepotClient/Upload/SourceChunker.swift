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
            case whole(FileMetadata, [DepositWarning])
            case failed(DepotError)
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

    private let sources: any Sequence<UploadSource>
    /// Asked for one at a time, and not before the first is needed: a folder of any number of files
    /// takes no memory.
    private lazy var iterator: any IteratorProtocol<UploadSource> = sources.makeIterator()
    private let chunker: ContentChunker
    private let attributes: SourceAttributes
    private let windows: ReadWindows
    private var current: (file: SourceFile, source: UploadSource)?
    private var reader: SourceReader?
    private var openedCount = 0

    init(
        _ sources: some Sequence<UploadSource>, _ chunker: ContentChunker,
        _ attributes: SourceAttributes
    ) {
        self.sources = sources
        self.chunker = chunker
        self.attributes = attributes
        windows = ReadWindows(size: max(GroupMaker.bytesMax, chunker.parameters.sizeMax))
    }

    /// What the next group consists of. A source that goes on is the last: no group has two
    /// portions of one.
    ///
    /// - Returns: the portions, and the chunks of all of them, as slices of one window; no portions
    ///   when everything was read.
    func next() -> (portions: [Portion], chunks: [ByteBuffer]) {
        var window = windows.next()
        var portions: [Portion] = []
        var places: [Range<Int>] = []
        // While a chunk of any length fits: a large file fills a group from one window.
        while window.writableBytes >= chunker.parameters.sizeMax,
            portions.count < WireLimits.commitFilesMax
        {
            // A file's manifest may be an object, too.
            let chunksLeft = GroupMaker.chunksMax - places.count - portions.count
            guard chunksLeft > 0, let (file, source) = nextSource() else { break }
            if let end = contentless(source) {
                portions.append(Portion(file: file, place: nil, start: 0, count: 0, end: end))
                leave(file)
                continue
            }
            portions.append(read(source, as: file, into: &window, atMost: chunksLeft, &places))
            if case .open = portions.last?.end { break }
        }
        windows.keep(window)
        let chunks = places.compactMap { window.getSlice(at: $0.lowerBound, length: $0.count) }
        return (portions, chunks)
    }

    /// The one that is being read, or the next.
    private func nextSource() -> (file: SourceFile, source: UploadSource)? {
        if current == nil, let source = iterator.next() {
            current = (SourceFile(index: openedCount, name: source.name), source)
            openedCount += 1
        }
        return current
    }

    /// A folder or a link is deposited as an empty file that says what it is.
    ///
    /// - Returns: how it ends; `nil` for what has content.
    private func contentless(_ source: UploadSource) -> Portion.End? {
        do throws(DepotError) {
            switch source.input {
            case .stream, .place: return nil
            case .folder(let place):
                let (descriptor, status) = try place.openFolder()
                defer { close(descriptor) }
                let (metadata, warnings) = attributes.metadata(
                    of: descriptor, status, isInTree: true)
                return .whole(metadata, warnings)
            case .link(let place):
                let (target, status) = try place.readLink()
                let (metadata, warnings) = attributes.metadata(ofLinkTo: target, status)
                return .whole(metadata, warnings)
            }
        } catch {
            return .failed(error)
        }
    }

    private func read(
        _ source: UploadSource, as file: SourceFile, into window: inout ByteBuffer,
        atMost chunksLeft: Int, _ places: inout [Range<Int>]
    ) -> Portion {
        var (place, start): (SourcePlace?, UInt64) = (nil, 0)
        var chunks: [Range<Int>] = []
        let end: Portion.End
        do throws(DepotError) {
            let reader = try opened(source)
            place = reader.place
            start = reader.offset
            let next = try reader.next(into: &window, atMost: chunksLeft)
            if reader.isFinished {
                try reader.checkUnchanged()
                end = .whole(reader.metadata, reader.warnings)
            } else {
                end = .open
            }
            chunks = next
        } catch {
            end = .failed(error)
        }
        places += chunks
        let portion = Portion(
            file: file, place: place, start: start, count: chunks.count, end: end)
        if case .open = end { return portion }
        leave(file)
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
