import Glibc
import Synchronization

// A direct read pins each page that it goes to, and fresh memory is a page fault and a page of zeros for every 4 KiB.
// Together they took the kernel a third of the time that SHA-256 takes for the same bytes. Memory in huge pages that
// is used again has hardly any of it. The price is that what was once used stays, up to `spareMax` blocks.

/// Memory for reads that go past the page cache.
enum ReadMemory {
    static let alignment = 4_096
    private static let hugePage = 2 << 20
    /// The largest chunk with its header, in whole huge pages. What is not written to takes no memory.
    private static let size = 10 << 20
    /// As many as a store has threads that read.
    private static let spareMax = 4

    /// Whoever took it from the spare ones has it alone until it is given back.
    private struct Block: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer
    }

    private static let spare = Mutex<[Block]>([])

    /// Lends at least so many bytes, of whatever content.
    static func lend<Result, Failure: Error>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let block = take(count)
        defer { giveBack(block) }
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
            return true
        }
        if !isKept { block.bytes.deallocate() }
    }
}
