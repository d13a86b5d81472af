import DepotCore
import DepotWire
import NIOCore

/// Opens one source after the other, and cuts as much as a group takes. For one thread at a time: many small files cost
/// one change of threads.
final class SourceCutter {
    /// Consecutive chunks of one source.
    struct Cut {
        enum End {
            /// More of it comes with the next group.
            case open
            case whole(FileName, FileMetadata)
            case failed(DepotError)
        }

        let index: Int
        /// Where it can be read a second time.
        let path: String?
        /// Of the first chunk, in the file.
        let start: UInt64
        let chunks: [ByteBuffer]
        let end: End
    }

    private let sources: [UploadSource]
    private let chunker: ContentChunker
    private let windows = ReadWindows()
    private var index = 0
    private var reader: SourceReader?

    init(_ sources: [UploadSource], _ chunker: ContentChunker) {
        self.sources = sources
        self.chunker = chunker
    }

    var isAtEnd: Bool { index >= sources.count }

    /// What the next group consists of. A source that goes on is the last: no group has two cuts of one.
    func next() -> [Cut] {
        var cuts: [Cut] = []
        var bytes = 0
        // A file's manifest is an object, too.
        var objects = 0
        // While a chunk of any length fits: a large file fills a group from one window.
        let enough = GroupMaker.bytesMax - min(GroupMaker.bytesMax, chunker.parameters.sizeMax)
        while !isAtEnd, bytes <= enough, objects < GroupMaker.chunksMax,
            cuts.count < WireLimits.commitFilesMax
        {
            let cut = next(
                bytes: GroupMaker.bytesMax - bytes, count: GroupMaker.chunksMax - objects)
            bytes += cut.chunks.reduce(0) { $0 + $1.readableBytes }
            objects += cut.chunks.count + 1
            cuts.append(cut)
            if case .open = cut.end { break }
        }
        return cuts
    }

    private func next(bytes: Int, count: Int) -> Cut {
        var (path, start, chunks): (String?, UInt64, [ByteBuffer]) = (nil, 0, [])
        let end: Cut.End
        do throws(DepotError) {
            let reader = try opened()
            path = reader.repeatablePath
            start = reader.offset
            chunks = try reader.next(bytes: bytes, count: count)
            if reader.isFinished {
                try reader.checkUnchanged()
                end = .whole(reader.source.name, reader.metadata)
            } else {
                end = .open
            }
        } catch {
            end = .failed(error)
        }
        let cut = Cut(index: index, path: path, start: start, chunks: chunks, end: end)
        if case .open = end { return cut }
        leave(index)
        return cut
    }

    private func opened() throws(DepotError) -> SourceReader {
        if let reader { return reader }
        let opened = try SourceReader(sources[index], chunker, windows)
        reader = opened
        return opened
    }

    /// Goes on with the source behind this one, unless that was done before.
    func leave(_ index: Int) {
        guard index == self.index else { return }
        reader = nil
        self.index += 1
    }
}
