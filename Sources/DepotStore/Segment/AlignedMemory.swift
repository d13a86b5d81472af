import Glibc
import Synchronization

// A direct read or write pins each page of its memory, and fresh memory costs a page fault and a
// page of zeros for every 4 KiB. Together they took the kernel a third of the time that SHA-256
// takes for the same bytes. Memory in huge pages that is used again costs hardly any of this. The
// price is that up to `spareMax` blocks stay allocated.

/// Memory for reads and writes that go past the page cache.
enum AlignedMemory {
    static let alignment = 4_096
    private static let hugePage = 2 << 20
    /// The largest chunk with its header, in whole huge pages. Pages that are never written to take
    /// no memory.
    static let size = 10 << 20
    /// As many as a store has threads that read, and the one that appends.
    private static let spareMax = 5

    /// The thread that took a block has it alone until it gives the block back.
    private struct Block: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer
    }

    private static let spare = Mutex<[Block]>([])

    /// Lends at least so many bytes. Their content is undefined.
    static func lend<Result, Failure: Error>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let block = take(count)
        defer { giveBack(block) }
        assert(block.bytes.count >= count, "less memory is lent than was asked for")
        return try body(block.bytes)
    }

    private static func take(_ count: Int) -> Block {
        if count <= size, let block = spare.withLock({ $0.popLast() }) { return block }
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, size), alignment: hugePage)
        // Where there are no huge pages, small ones do.
        madvise(bytes.baseAddress, bytes.count, MADV_HUGEPAGE)
        return Block(bytes: bytes)
    }

    private static func giveBack(_ block: Block) {
        let isKept = spare.withLock { spare in
            guard block.bytes.count == size, spare.count < spareMax else { return false }
            spare.append(block)
            assert(spare.count <= spareMax, "more memory is kept than is ever used")
            return true
        }
        if !isKept { block.bytes.deallocate() }
    }
}
