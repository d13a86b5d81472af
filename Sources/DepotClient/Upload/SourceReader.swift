import DepotCore
import Glibc
import NIOCore

/// An open source that is read from front to back, and cut. For one thread at a time.
final class SourceReader {
    private let source: UploadSource
    private let descriptor: Int32
    /// Where it can be read a second time, and what it was like at the beginning; `nil` for a
    /// device or a pipe.
    private let file: (place: SourcePlace, status: stat)?
    /// Before it was looked at.
    private let began = FileState.now
    /// What goes along with the bytes, as it was at the beginning.
    private(set) var metadata = FileMetadata()
    /// What of it is not deposited though its bytes are.
    private(set) var warnings: [DepositWarning] = []
    private let chunker: ContentChunker
    /// What was read and not cut yet.
    private var rest = ByteBuffer()
    private(set) var offset: UInt64 = 0
    /// What is still to be read. A file that grows is read as far as it went at the beginning, and
    /// not chased.
    private var left = Int.max
    private var isAtEnd = false

    /// - Parameter source: a file or a stream.
    init(
        _ source: UploadSource, _ chunker: ContentChunker, _ attributes: SourceAttributes
    ) throws(DepotError) {
        self.source = source
        self.chunker = chunker
        switch source.input {
        case .stream(let stream):
            descriptor = fcntl(stream, F_DUPFD_CLOEXEC, 0)
            guard descriptor >= 0 else { throw .file("cannot be read", source.name.text) }
            file = nil
        case .folder(let place), .link(let place), .special(let place):
            throw DepotError(.internalError, "it has no content", object: place.shown)
        case .place(let place):
            let (opened, found) = try place.open()
            descriptor = opened
            guard FileKind(mode: found.st_mode) == .file else {
                file = nil
                return
            }
            let status = FileState.settled(opened) ?? found
            guard !Self.isGenerated(opened, status) else {
                file = nil
                return
            }
            file = (place, status)
            left = Int(clamping: status.st_size)
            (metadata, warnings) = attributes.metadata(
                of: opened, status, isInTree: place.isInTree)
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        }
    }

    deinit { close(descriptor) }

    /// What the kernel makes while it is read, as the files of /proc, says that it is empty, and is
    /// not: it is read as a stream. An empty file to which something is written is another matter,
    /// and shows it.
    private static func isGenerated(_ descriptor: Int32, _ status: stat) -> Bool {
        guard status.st_size == 0 else { return false }
        var (byte, after) = (UInt8(0), stat())
        return pread(descriptor, &byte, 1, 0) != 0 && fstat(descriptor, &after) == 0
            && FileState(after) == FileState(status)
    }

    /// What it was like when reading began; `nil` for a device or a pipe.
    var state: FileState? { file.map { FileState($0.status) } }

    /// Whether each change since then shows in its state, in that of one name alone.
    ///
    /// - Parameter age: for how long it has to have been left alone before; in seconds.
    func showsChanges(after age: Int) -> Bool {
        guard let file else { return false }
        return file.status.st_nlink == 1
            && FileState(file.status).wasLeftAlone(for: age, at: began)
    }

    /// Where a range can be read a second time.
    var place: SourcePlace? { file?.place }

    /// Reads on behind what the window holds, until that is full, and cuts.
    ///
    /// - Parameters:
    ///   - window: has room for a chunk of any length, and for what was left of the window before;
    ///     no slices of it are about, or all of it would be copied.
    ///   - chunksMax: how many chunks, at most.
    /// - Returns: where in the window the next chunks are.
    func next(
        into window: inout ByteBuffer, atMost chunksMax: Int
    ) throws(DepotError) -> [Range<Int>] {
        let start = window.writerIndex
        window.writeImmutableBuffer(rest)
        rest = ByteBuffer()
        try fill(&window)
        let chunks = cut(window, from: start, atMost: chunksMax)
        let end = chunks.last?.upperBound ?? start
        offset += UInt64(end - start)
        if end < window.writerIndex {
            rest = window.getSlice(at: end, length: window.writerIndex - end) ?? ByteBuffer()
        }
        return chunks
    }

    /// Bytes of one call. For files of /proc/sys the kernel takes memory of the size that is asked
    /// for, and has no block of more than 4 MiB.
    private static let readMax = 2 << 20

    private func fill(_ window: inout ByteBuffer) throws(DepotError) {
        while window.writableBytes > 0, !isAtEnd {
            var failure: Int32 = 0
            let count = window.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { bytes in
                let count = Glibc.read(
                    descriptor, bytes.baseAddress, min(bytes.count, left, Self.readMax))
                failure = count < 0 ? errno : 0
                return max(count, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else {
                throw .file("cannot be read", source.name.text, errno: failure)
            }
            left -= count
            isAtEnd = count == 0 || left == 0
        }
    }

    private func cut(_ window: ByteBuffer, from start: Int, atMost chunksMax: Int) -> [Range<Int>] {
        window.withUnsafeReadableBytes { bytes in
            var chunks: [Range<Int>] = []
            var place = start
            while place < bytes.count, chunks.count < chunksMax {
                let ahead = UnsafeRawBufferPointer(rebasing: bytes[place...])
                let length = chunker.cutLength(ahead)
                // Without a cut among fewer bytes than a chunk may have, what follows decides.
                guard isAtEnd || length < ahead.count || length == chunker.parameters.sizeMax else {
                    break
                }
                chunks.append(place..<place + length)
                place += length
            }
            return chunks
        }
    }

    /// Whether everything has been handed out.
    var isFinished: Bool { isAtEnd && rest.readableBytes == 0 }

    /// To be asked at the end: whether what was read was one state of the file, and all of it.
    func checkUnchanged() throws(DepotError) {
        guard let file else { return }
        var after = stat()
        var byte: UInt8 = 0
        guard fstat(descriptor, &after) == 0, FileState(after) == FileState(file.status),
            offset == UInt64(clamping: file.status.st_size),
            pread(descriptor, &byte, 1, off_t(file.status.st_size)) == 0
        else { throw file.place.changed }
    }

    /// Reads a range of a file again. Whether it is what was read before, its hash tells.
    static func readAgain(
        _ place: SourcePlace, at offset: UInt64, count: Int
    ) throws(DepotError) -> ByteBuffer {
        let (descriptor, _) = try place.openFile()
        defer { close(descriptor) }
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        guard try read(descriptor, at: offset, count: count, into: &buffer, place.shown) else {
            throw place.changed
        }
        return buffer
    }

    /// Reads a range of an open file.
    ///
    /// - Parameters:
    ///   - buffer: empty.
    ///   - shown: for messages.
    /// - Returns: whether the file has so many bytes.
    static func read(
        _ descriptor: Int32, at offset: UInt64, count: Int, into buffer: inout ByteBuffer,
        _ shown: String
    ) throws(DepotError) -> Bool {
        while buffer.readableBytes < count {
            let missing = count - buffer.readableBytes
            let start = Int(offset) + buffer.readableBytes
            var failure: Int32 = 0
            let done = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { bytes in
                let done = pread(descriptor, bytes.baseAddress, missing, start)
                failure = done < 0 ? errno : 0
                return max(done, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw .file("cannot be read", shown, errno: failure) }
            guard done > 0 else { return false }
        }
        return true
    }
}
