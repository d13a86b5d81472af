import DepotCore
import NIOCore

/// Cuts a stream of bytes into hashed chunks, which share the memory of the window that they were
/// cut from.
///
/// The window fills up before it is cut, so that what is left of it, and has to be copied into the
/// next one, is less than what was cut.
struct StreamChunker {
    /// When a chunk is cut off.
    enum Readiness {
        /// The window is full: little has to be copied.
        case full
        /// It is certain where the chunk ends: memory is wanted.
        case certain
        /// No more bytes come.
        case over
    }

    private let chunker: ContentChunker
    private var window = ByteBuffer()
    private var isCutting = false
    /// Bytes that lie in the window of chunks that were cut and in the next one, too.
    private var copied = 0

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

    /// The next chunk, once it is ready.
    mutating func cut(_ readiness: Readiness) -> VerifiedObject? {
        switch readiness {
        case .full: isCutting = window.readableBytes >= (isCutting ? sizeMax : 2 * sizeMax)
        case .certain, .over: isCutting = true
        }
        let length = isCutting ? window.withUnsafeReadableBytes { chunker.cutLength($0) } : 0
        // What ends with the window may go on behind it.
        let isOpen = readiness != .over && length == window.readableBytes && length < sizeMax
        guard length > 0, !isOpen, let bytes = window.readSlice(length: length) else {
            isCutting = false
            shareNothing()
            return nil
        }
        return VerifiedObject(hashing: bytes)
    }

    /// How many bytes are in memory twice since this was asked last.
    mutating func takeCopied() -> Int {
        defer { copied = 0 }
        return copied
    }

    /// Chunks that were cut own the window's memory by now: what is left goes into one of its own.
    private mutating func shareNothing() {
        guard window.readerIndex > 0 else { return }
        var next = ByteBuffer()
        next.reserveCapacity(3 * sizeMax)
        next.writeImmutableBuffer(window)
        copied += window.readableBytes
        window = next
    }
}
