import DepotCore
import NIOCore

/// Cuts a stream of bytes into hashed chunks, which share the memory of the window that they were cut from.
///
/// The window fills up before it is cut, so that what is left of it, and has to be copied into the next one,
/// is less than what was cut.
struct StreamCutter {
    private let chunker: ContentChunker
    private var window = ByteBuffer()
    private var isCutting = false

    init(_ chunker: ContentChunker) { self.chunker = chunker }

    private var sizeMax: Int { chunker.parameters.sizeMax }

    mutating func append(_ part: ByteBuffer) {
        if window.writableBytes < part.readableBytes {
            var next = ByteBuffer()
            next.reserveCapacity(2 * sizeMax + part.readableBytes)
            next.writeImmutableBuffer(window)
            window = next
        }
        window.writeImmutableBuffer(part)
    }

    /// The next chunk, once it is certain where it ends.
    mutating func cut(isEnd: Bool) -> VerifiedObject? {
        isCutting = isEnd || window.readableBytes >= (isCutting ? sizeMax : 2 * sizeMax)
        guard isCutting, window.readableBytes > 0 else {
            shareNothing()
            return nil
        }
        let length = window.withUnsafeReadableBytes { chunker.cutLength($0) }
        guard let bytes = window.readSlice(length: length) else { return nil }
        return VerifiedObject(hashing: bytes)
    }

    /// Chunks that were cut own the window's memory by now: what is left goes into one of its own.
    private mutating func shareNothing() {
        guard window.readerIndex > 0 else { return }
        var next = ByteBuffer()
        next.reserveCapacity(3 * sizeMax)
        next.writeImmutableBuffer(window)
        window = next
    }
}
