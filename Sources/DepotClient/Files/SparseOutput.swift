import DepotCore
import Glibc

/// Writes a file from its beginning to its end, and leaves out what its record says are holes. For
/// one thread at a time.
final class SparseOutput {
    private let descriptor: Int32
    private var holes: ArraySlice<Range<UInt64>>
    private var offset: UInt64 = 0

    /// - Parameter descriptor: of a file that is empty; it stays the caller's.
    init(to descriptor: Int32, _ holes: Holes) {
        self.descriptor = descriptor
        self.holes = holes.ranges[...]
    }

    /// - Returns: whether it could be written; else `errno` tells why not.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            while let hole = holes.first, hole.upperBound <= offset { holes.removeFirst() }
            let next = holes.first.map { $0.contains(offset) ? $0.upperBound : $0.lowerBound }
            let count = min(rest.count, next.map { Int(clamping: $0 - offset) } ?? rest.count)
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            let isHole = holes.first?.contains(offset) ?? false
            // What is said to be a hole and is none is written.
            let isDone =
                isHole && part.allSatisfy { $0 == 0 }
                ? lseek(descriptor, off_t(count), SEEK_CUR) >= 0
                : FileSink.write(part, to: descriptor)
            guard isDone else { return false }
            offset += UInt64(count)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return true
    }

    /// Gives the file its size, though it may end in a hole.
    func finish() -> Bool { ftruncate(descriptor, off_t(clamping: offset)) == 0 }
}
