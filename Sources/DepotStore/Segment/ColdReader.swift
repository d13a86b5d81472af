import CLinux
import DepotCore
import Glibc

// A check that reads from the page cache checks the cache. `O_DIRECT` reads the disk, and writes
// dirty pages out first. A file system without it has the cache dropped before each read.

/// Reads ranges of a segment from the disk itself.
final class ColdReader {
    private let file: SegmentFile
    private let descriptor: Int32
    private let isDirect: Bool
    /// Bytes of the file when the reader was made.
    let size: UInt64

    convenience init(_ file: SegmentFile) throws(DepotError) {
        let (descriptor, isDirect) = Self.open(file.path)
        guard descriptor >= 0 else {
            throw .system("cannot open for checking", file.path, errno: errno)
        }
        try self.init(file, descriptor: descriptor, isDirect: isDirect)
    }

    /// - Returns: `nil` where the file is gone, or the disk does not answer.
    static func open(_ file: SegmentFile) throws(DepotError) -> ColdReader? {
        let (descriptor, isDirect) = open(file.path)
        let code = errno
        if descriptor < 0, SegmentFile.Presence(code: code) != nil { return nil }
        guard descriptor >= 0 else {
            throw .system("cannot open for checking", file.path, errno: code)
        }
        return try ColdReader(file, descriptor: descriptor, isDirect: isDirect)
    }

    private static func open(_ path: String) -> (descriptor: Int32, isDirect: Bool) {
        let direct = Glibc.open(path, O_RDONLY | Int32(DEPOT_O_DIRECT) | O_CLOEXEC)
        return direct >= 0
            ? (direct, true) : (Glibc.open(path, O_RDONLY | O_CLOEXEC), false)
    }

    private init(
        _ file: SegmentFile, descriptor: Int32, isDirect: Bool
    ) throws(DepotError) {
        assert(descriptor >= 0, "a reader without a file")
        self.file = file
        self.descriptor = descriptor
        self.isDirect = isDirect
        size = try file.size()
    }

    deinit { close(descriptor) }

    /// Lends the range to `body`: fewer bytes where the file ends before.
    func withBytes<Result>(
        at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(DepotError) -> Result {
        let alignment = AlignedMemory.alignment
        let start = offset / UInt64(alignment) * UInt64(alignment)
        let lead = Int(offset - start)
        let wanted = (lead + count + alignment - 1) / alignment * alignment
        assert(lead < alignment && wanted >= lead + count, "the range is not covered")
        if !isDirect { dropCache(start, wanted) }
        return try AlignedMemory.lend(wanted) { buffer throws(DepotError) in
            let done = try fill(buffer, from: start, count: wanted)
            let end = min(lead + count, done)
            return body(UnsafeRawBufferPointer(rebasing: buffer[min(lead, end)..<end]))
        }
    }

    private func dropCache(_ start: UInt64, _ count: Int) {
        // Nothing is dropped while it is dirty.
        fdatasync(descriptor)
        posix_fadvise(descriptor, Int(start), count, POSIX_FADV_DONTNEED)
    }

    private func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from start: UInt64, count wanted: Int
    ) throws(DepotError) -> Int {
        assert(start % UInt64(AlignedMemory.alignment) == 0, "a direct read begins within a block")
        assert(wanted <= buffer.count, "more is to be read than there is memory for")
        var done = 0
        while done < wanted {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), wanted - done,
                Int(start) + done)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .system("cannot read from the disk", file.path, errno: errno)
            }
            done += count
            // A direct read of anything but whole blocks has met the end of the file.
            if count == 0 || count % AlignedMemory.alignment != 0 { break }
        }
        return done
    }
}
