import CLinux
import Glibc

// Through the page cache each page of a file is allocated, filled, written out and given back.
// That takes the kernel five times as long as handing whole blocks of memory to the disk, and
// pushes out of memory what others use. A file that is synced when it is whole has to reach the
// disk anyway.

/// Writes a large file from its beginning to its end past the page cache, as far as the file system
/// lets it. For one thread at a time.
final class DirectOutput {
    /// A smaller file is better left to the cache.
    static let fileSizeMin: UInt64 = 8 << 20
    private static let memorySize = 2 << 20
    /// Of the largest blocks that disks have.
    private static let blockSize = 4_096

    private let descriptor: Int32
    private let memory: UnsafeMutableRawBufferPointer
    private var filled = 0
    /// Whether the file system takes what it writes past the cache, so far.
    private(set) var isDirect: Bool

    /// - Parameter descriptor: of a file that is empty; it stays the caller's.
    init(to descriptor: Int32) {
        self.descriptor = descriptor
        isDirect = Self.set(direct: true, descriptor)
        memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.memorySize, alignment: Self.blockSize)
    }

    deinit { memory.deallocate() }

    private static func set(direct: Bool, _ descriptor: Int32) -> Bool {
        let flags = fcntl(descriptor, F_GETFL)
        let wanted = direct ? flags | Int32(DEPOT_O_DIRECT) : flags & ~Int32(DEPOT_O_DIRECT)
        return flags >= 0 && fcntl(descriptor, F_SETFL, wanted) == 0
    }

    /// - Returns: whether it could be written; else `errno` tells why not.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, memory.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: memory[filled..<filled + count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            guard filled < memory.count || flush() else { return false }
        }
        return true
    }

    /// Writes what is left, which need not be whole blocks.
    ///
    /// - Returns: whether it could be written; else `errno` tells why not.
    func finish() -> Bool {
        leaveToCache()
        return flush()
    }

    private func leaveToCache() {
        if isDirect { _ = Self.set(direct: false, descriptor) }
        isDirect = false
    }

    private func flush() -> Bool {
        var done = 0
        while done < filled {
            let count = Glibc.write(
                descriptor, memory.baseAddress?.advanced(by: done), filled - done)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EINVAL, isDirect {
                leaveToCache()
                continue
            }
            guard count >= 0 else { return false }
            done += count
            if done % Self.blockSize != 0 { leaveToCache() }
        }
        filled = 0
        return true
    }
}
