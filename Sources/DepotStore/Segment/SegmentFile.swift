import DepotCore
import Glibc
import NIOCore

/// An open segment file. It is closed with the last reference: a reader that is sending a range
/// keeps it open.
final class SegmentFile: Sendable {
    let path: String
    let number: UInt32
    let descriptor: Int32
    private let device: dev_t
    private let inode: ino_t

    private init(path: String, number: UInt32, descriptor: Int32) throws(DepotError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system("cannot ask for the file", path, errno: code)
        }
        self.path = path
        self.number = number
        self.descriptor = descriptor
        device = status.st_dev
        inode = status.st_ino
    }

    deinit { close(descriptor) }

    static func name(_ number: UInt32) -> String {
        MemberHeader.digits(UInt64(number), 8, radix: 10) + ".tar"
    }

    /// Makes a new file. Its name is not durable yet.
    static func create(
        in folder: String, number: UInt32, _ operations: FileOperations
    ) throws(DepotError) -> SegmentFile {
        let path = "\(folder)/\(name(number))"
        let descriptor = try operations.create(path, mode: 0o600, replacing: false)
        return try SegmentFile(path: path, number: number, descriptor: descriptor)
    }

    /// - Parameter flags: `O_RDONLY` or `O_RDWR`.
    static func open(
        in folder: String, number: UInt32, flags: Int32
    ) throws(DepotError) -> SegmentFile {
        let path = "\(folder)/\(name(number))"
        let descriptor = Glibc.open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("cannot open the segment", path, errno: errno) }
        return try SegmentFile(path: path, number: number, descriptor: descriptor)
    }

    /// - Returns: `nil` where it is gone, or the disk does not answer.
    static func find(
        _ number: UInt32, in folder: String
    ) throws(DepotError) -> SegmentFile? {
        let path = "\(folder)/\(name(number))"
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        let code = errno
        if descriptor < 0, Presence(code: code) != nil { return nil }
        guard descriptor >= 0 else { throw .system("cannot open the segment", path, errno: code) }
        return try SegmentFile(path: path, number: number, descriptor: descriptor)
    }

    // MARK: Whether it is there

    /// What the folder says of a segment.
    enum Presence: Equatable {
        case there(bytes: UInt64)
        case gone
        /// The disk does not answer. Later the file may be there again.
        case unreadable

        /// What the `errno` of a failed `open` or `stat` says of the file; `nil` where it says
        /// nothing.
        init?(code: Int32) {
            switch code {
            case ENOENT, ENOTDIR, ESTALE: self = .gone
            case EIO, ENXIO, ENODEV: self = .unreadable
            default: return nil
            }
        }
    }

    /// Whether the file is still in the folder. A descriptor reads on when the file behind it has
    /// lost its name, or was moved.
    func presence() throws(DepotError) -> Presence {
        try Self.presence(at: path) { $0.st_dev == device && $0.st_ino == inode }
    }

    static func presence(
        of number: UInt32, in folder: String
    ) throws(DepotError) -> Presence {
        try presence(at: "\(folder)/\(name(number))") { _ in true }
    }

    private static func presence(
        at path: String, _ isIt: (stat) -> Bool
    ) throws(DepotError) -> Presence {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code = errno
            guard let presence = Presence(code: code) else {
                throw .system("cannot look for the segment", path, errno: code)
            }
            return presence
        }
        return isIt(status)
            ? .there(bytes: ByteCount(UInt64(clamping: status.st_size)).bytes) : .gone
    }

    // MARK: Reading

    func size() throws(DepotError) -> UInt64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .system("cannot ask for the size", path, errno: errno)
        }
        return ByteCount(UInt64(clamping: status.st_size)).bytes
    }

    /// Reads a range, all of it unless the file ends before.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(DepotError)
        -> Int
    {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done,
                Int(offset) + done)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("cannot read", path, errno: errno) }
            if count == 0 { break }
            done += count
        }
        assert(done <= buffer.count, "more was read than there is room for")
        return done
    }

    func read(at offset: UInt64, count: Int) throws(DepotError) -> [UInt8] {
        var failure: DepotError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(DepotError) {
                filled = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The header at a place, if one of this segment is there.
    func header(at offset: UInt64, nonce: UInt64?) throws(DepotError) -> MemberHeader? {
        let block = try read(at: offset, count: MemberHeader.size)
        return block.withUnsafeBytes { MemberHeader($0, at: offset, nonce: nonce) }
    }
}
