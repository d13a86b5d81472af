import CLinux
import DepotCore
import Glibc
import NIOCore

// Through the page cache a large append costs five to eight times the CPU time that it costs past
// it: pages are allocated, zeroed, filled, written out, and given back, and on a machine without
// free memory each of these steps waits. An append to a segment is a whole number of 512-byte
// blocks at such a place, as tar has it, which is what most disks take directly. Small appends are
// better collected by the cache: below 128 KiB the way to the disk and back costs more than the
// pages do. (Measured with `stage: append` of the benchmark.)
//
// The price: what was just written is read from the disk and not from memory, which a small object
// is not worth. Readers use the page cache as before, which Linux keeps coherent: a direct write
// first writes out, then drops, the cached pages that it touches.

/// Appends to a segment past the page cache. For the log's thread alone.
final class DirectWriter: Sendable {
    static let sizeMinUsual = 256 << 10
    /// The objects of a batch have at least this part of `sizeMin` on average: small ones are read
    /// one by one, and manifests right after they were written.
    private static let objectShare = 4

    private let sizeMin: Int
    private let file: SegmentFile
    private let operations: FileOperations
    private let descriptor: Int32

    /// - Returns: `nil` where the file system does not write past its cache, or no descriptor is
    ///   left.
    init?(_ file: SegmentFile, from sizeMin: Int, _ operations: FileOperations) {
        descriptor = Glibc.open(file.path, O_WRONLY | Int32(DEPOT_O_DIRECT) | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        self.sizeMin = sizeMin
        self.file = file
        self.operations = operations
    }

    deinit { close(descriptor) }

    /// Whether an append of so many bytes is for it.
    func isFor(_ bytes: Int, objects count: Int) -> Bool {
        bytes >= sizeMin && bytes / count >= sizeMin / Self.objectShare
    }

    /// Writes parts one after the other, through one piece of aligned memory.
    ///
    /// - Parameter total: the bytes of all parts; whole blocks of a tar archive.
    /// - Returns: whether the disk takes blocks of that size; if not, nothing was written.
    /// - Throws: `storageFull`, `storeFailed`; some of it may be written.
    func write(
        _ parts: [SegmentWriter.Part], total: Int, at start: UInt64
    ) throws(DepotError) -> Bool {
        assert(total % MemberHeader.size == 0, "a direct write is of whole blocks")
        assert(start % UInt64(MemberHeader.size) == 0, "a direct write begins with a block")
        return try AlignedMemory.lend(min(total, AlignedMemory.size)) {
            memory throws(DepotError) in
            var filled = 0
            var written = 0
            var isTaken = true
            for part in parts {
                var taken = 0
                while taken < part.count, isTaken {
                    let count = min(part.count - taken, memory.count - filled)
                    part.copy(taken..<taken + count, to: memory, at: filled)
                    taken += count
                    filled += count
                    guard filled == memory.count || written + filled == total else { continue }
                    let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<filled])
                    isTaken = try operations.writeDirect(
                        bytes, at: Int64(start) + Int64(written), to: descriptor, file.path)
                    if isTaken { written += filled }
                    filled = 0
                }
            }
            guard !isTaken else {
                assert(written == total, "some parts were left out")
                return true
            }
            guard written == 0 else {
                throw .system("cannot write all", file.path, errno: EINVAL)
            }
            return false
        }
    }
}

extension SegmentWriter.Part {
    fileprivate func copy(
        _ range: Range<Int>, to memory: UnsafeMutableRawBufferPointer, at place: Int
    ) {
        let target = UnsafeMutableRawBufferPointer(
            rebasing: memory[place..<place + range.count])
        switch self {
        case .bytes(let bytes):
            bytes.withUnsafeBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
            }
        case .buffer(let buffer):
            buffer.withUnsafeReadableBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
            }
        case .zeros: target.initializeMemory(as: UInt8.self, repeating: 0)
        }
    }
}
