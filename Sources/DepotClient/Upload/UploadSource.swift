import DepotCore
import Glibc
import NIOCore

/// What is to be deposited under a name.
public struct UploadSource: Sendable {
    public enum Origin: Sendable {
        case file(path: String)
        /// A stream that can be read once: standard input, a pipe.
        case stream(descriptor: Int32)
    }

    public let name: FileName
    public let origin: Origin

    public init(name: FileName, origin: Origin) {
        self.name = name
        self.origin = origin
    }
}

/// Memory that files are read into. A window of fresh memory costs a page fault for each 4 KiB, which is more than
/// reading and hashing it: so those that nobody uses any more are used again. For one thread at a time.
final class ReadWindows {
    /// One is being read into, one waits, one is being sent, and one is still held by the network.
    private static let countMax = 4
    /// Smaller ones are as cheap from the allocator.
    private static let sizeMin = 1 << 20

    private var lent: [ByteBuffer] = []

    /// An empty buffer that nobody else sees.
    func next(capacity: Int) -> ByteBuffer {
        guard capacity >= Self.sizeMin, lent.count == Self.countMax else {
            return ByteBufferAllocator().buffer(capacity: capacity)
        }
        var window = lent.removeFirst()
        // Where slices of it are still about, this leaves them what they have and takes other memory.
        window.clear(minimumCapacity: capacity)
        return window
    }

    /// Remembers a window, so that it can be used again. One that was asked for as a small one may be large enough, too:
    /// buffers are made in powers of two.
    func lend(_ window: ByteBuffer) {
        if window.capacity >= Self.sizeMin, lent.count < Self.countMax { lent.append(window) }
    }

    /// Bytes of memory that are kept to be used again.
    var bytesKept: Int { lent.reduce(0) { $0 + $1.capacity } }
}

/// An open source that is read from front to back, and cut. For one thread at a time.
final class SourceReader {
    let source: UploadSource
    private let descriptor: Int32
    private let before: stat?
    private let chunker: ContentChunker
    private let windows: ReadWindows
    /// What was read and not cut yet.
    private var rest = ByteBuffer()
    private(set) var offset: UInt64 = 0
    private(set) var isAtEnd = false

    init(
        _ source: UploadSource, _ chunker: ContentChunker, _ windows: ReadWindows
    ) throws(DepotError) {
        self.source = source
        self.chunker = chunker
        self.windows = windows
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

    /// What is known of the size; nothing of a stream's.
    var size: UInt64? { before.map { UInt64($0.st_size) } }

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

    /// The next chunks, together about `bytes`, at most `count`; fewer at the end.
    func next(bytes: Int, count: Int) throws(DepotError) -> [ByteBuffer] {
        try fill(max(bytes, chunker.parameters.sizeMax))
        var chunks: [ByteBuffer] = []
        var taken = 0
        while rest.readableBytes > 0, taken < bytes, chunks.count < count {
            let length = rest.withUnsafeReadableBytes { chunker.cutLength($0) }
            // Without a cut among fewer bytes than a chunk may have, what follows decides.
            guard isAtEnd || length < rest.readableBytes || length == chunker.parameters.sizeMax,
                let chunk = rest.readSlice(length: length)
            else { break }
            chunks.append(chunk)
            taken += length
        }
        offset += UInt64(taken)
        return chunks
    }

    /// Whether everything has been handed out.
    var isFinished: Bool { isAtEnd && rest.readableBytes == 0 }

    /// Reads on into a window of its own, which the chunks cut from it share.
    private func fill(_ wanted: Int) throws(DepotError) {
        guard !isAtEnd, rest.readableBytes < wanted else { return }
        let expected = size.map { Int(clamping: $0 - min($0, offset)) + 1 } ?? wanted
        var fresh = windows.next(capacity: min(wanted, max(expected, 1)))
        fresh.writeImmutableBuffer(rest)
        while fresh.readableBytes < wanted, !isAtEnd {
            // As much as was asked for: many small files in a group each have a buffer of their own.
            let room = min(
                wanted - fresh.readableBytes,
                fresh.writableBytes > 0 ? fresh.writableBytes : 1 << 16)
            var failure: Int32 = 0
            let count = fresh.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
                let count = Glibc.read(descriptor, bytes.baseAddress, min(room, bytes.count))
                failure = count < 0 ? errno : 0
                return max(count, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw .file("cannot be read", source.name.text, failure) }
            isAtEnd = count == 0
        }
        rest = fresh
        windows.lend(fresh)
    }

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

extension DepotError {
    /// What went wrong with a file of the user's.
    static func file(_ what: String, _ path: String, _ code: Int32 = errno) -> DepotError {
        let kind: Code =
            switch code {
            case ENOENT, ENOTDIR: .notFound
            case ENOSPC, EDQUOT: .storageFull
            default: .invalidArgument
            }
        return DepotError(kind, "\(what): \(String(cString: strerror(code)))", object: path)
    }
}
