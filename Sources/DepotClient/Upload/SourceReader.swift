import DepotCore
import Glibc
import NIOCore

/// An open source that is read from front to back, and cut. For one thread at a time.
final class SourceReader {
    private let source: UploadSource
    private let descriptor: Int32
    private let before: stat?
    private let chunker: ContentChunker
    /// What was read and not cut yet.
    private var rest = ByteBuffer()
    private(set) var offset: UInt64 = 0
    private var isAtEnd = false

    init(_ source: UploadSource, _ chunker: ContentChunker) throws(DepotError) {
        self.source = source
        self.chunker = chunker
        switch source.origin {
        case .stream(let stream):
            descriptor = dup(stream)
            before = nil
        case .file(let path):
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .file("cannot be read", path) }
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                let code = errno
                close(descriptor)
                throw .file("cannot be read", path, code)
            }
            guard status.st_mode & S_IFMT != S_IFDIR else {
                close(descriptor)
                throw DepotError(.invalidArgument, "it is a folder; use -r", object: path)
            }
            before = status.st_mode & S_IFMT == S_IFREG ? status : nil
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        }
    }

    deinit { close(descriptor) }

    /// Where a range can be read a second time.
    var repeatablePath: String? {
        guard before != nil, case .file(let path) = source.origin else { return nil }
        return path
    }

    var metadata: FileMetadata {
        guard let before else { return FileMetadata() }
        let time = before.st_mtim
        return FileMetadata(
            mode: UInt16(before.st_mode & 0o7777),
            modifiedNanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Reads on behind what the window holds, until that is full, and cuts.
    ///
    /// - Parameters:
    ///   - window: has room for a chunk of any length, and for what was left of the window before; no slices of it are about,
    ///     or all of it would be copied.
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

    private func fill(_ window: inout ByteBuffer) throws(DepotError) {
        while window.writableBytes > 0, !isAtEnd {
            var failure: Int32 = 0
            let count = window.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { bytes in
                let count = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
                failure = count < 0 ? errno : 0
                return max(count, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw .file("cannot be read", source.name.text, failure) }
            isAtEnd = count == 0
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

    /// To be asked at the end: whether what was read was one state of the file.
    func checkUnchanged() throws(DepotError) {
        guard let before, case .file(let path) = source.origin else { return }
        var after = stat()
        let isSame =
            fstat(descriptor, &after) == 0 && after.st_size == before.st_size
            && after.st_mtim.tv_sec == before.st_mtim.tv_sec
            && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec
            && UInt64(after.st_size) == offset
        guard isSame else { throw Self.changed(path) }
    }

    static func changed(_ path: String) -> DepotError {
        DepotError(
            .conflict, "the file changed while it was read; nothing was deposited, try again",
            object: path)
    }

    /// Reads a range of a file again.
    static func readAgain(_ path: String, at offset: UInt64, count: Int) throws(DepotError)
        -> ByteBuffer
    {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("cannot be read", path) }
        defer { close(descriptor) }
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let missing = count - buffer.readableBytes
            let place = Int(offset) + buffer.readableBytes
            var failure: Int32 = 0
            let done = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { bytes in
                let done = pread(descriptor, bytes.baseAddress, missing, place)
                failure = done < 0 ? errno : 0
                return max(done, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw .file("cannot be read", path, failure) }
            guard done > 0 else { throw changed(path) }
        }
        return buffer
    }
}
