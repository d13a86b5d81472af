import CLinux
import DepotCore
import Glibc

// A check that reads what the page cache has checks the cache. `O_DIRECT` reads the disk, and writes out first what
// is not there yet. Where a file system has no such thing, the cache is dropped before instead.

/// Reads ranges of a segment from the disk itself.
final class ColdReader {
    private let file: SegmentFile
    private let descriptor: Int32
    private let isDirect: Bool
    /// Of the file, when this was made.
    let size: UInt64

    convenience init(_ file: SegmentFile) throws(DepotError) {
        let (descriptor, isDirect) = Self.open(file.path)
        guard descriptor >= 0 else { throw .system("cannot open for checking", file.path, errno) }
        try self.init(file, descriptor, isDirect)
    }

    /// - Returns: `nil` where the file is gone, or the disk does not answer.
    static func open(_ file: SegmentFile) throws(DepotError) -> ColdReader? {
        let (descriptor, isDirect) = open(file.path)
        let code = errno
        if descriptor < 0, SegmentFile.Presence(code: code) != nil { return nil }
        guard descriptor >= 0 else { throw .system("cannot open for checking", file.path, code) }
        return try ColdReader(file, descriptor, isDirect)
    }

    private static func open(_ path: String) -> (descriptor: Int32, isDirect: Bool) {
        let direct = Glibc.open(path, O_RDONLY | Int32(DEPOT_O_DIRECT) | O_CLOEXEC)
        return direct >= 0
            ? (direct, true) : (Glibc.open(path, O_RDONLY | O_CLOEXEC), false)
    }

    private init(
        _ file: SegmentFile, _ descriptor: Int32, _ isDirect: Bool
    ) throws(DepotError) {
        self.file = file
        self.descriptor = descriptor
        self.isDirect = isDirect
        size = try file.size()
    }

    deinit { close(descriptor) }

    /// Lends the range to `body`; fewer bytes where the file ends before.
    func withBytes<Result>(
        at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(DepotError) -> Result {
        let alignment = ReadMemory.alignment
        let start = offset / UInt64(alignment) * UInt64(alignment)
        let lead = Int(offset - start)
        let wanted = (lead + count + alignment - 1) / alignment * alignment
        if !isDirect { dropCache(start, wanted) }
        return try ReadMemory.lend(wanted) { buffer throws(DepotError) in
            let done = try fill(buffer, start, wanted)
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
        _ buffer: UnsafeMutableRawBufferPointer, _ start: UInt64, _ wanted: Int
    ) throws(DepotError) -> Int {
        var done = 0
        while done < wanted {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), wanted - done,
                Int(start) + done)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("cannot read from the disk", file.path, errno) }
            done += count
            // A direct read that is not a whole number of blocks has met the end of the file.
            if count == 0 || count % ReadMemory.alignment != 0 { break }
        }
        return done
    }
}
