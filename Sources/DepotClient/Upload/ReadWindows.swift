import NIOCore

/// Memory that sources are read into, a window for each group. A window of fresh memory costs a
/// page fault for each 4 KiB, which is more than reading and hashing it: so those that nobody uses
/// any more are used again. For one thread at a time.
final class ReadWindows {
    /// One is being read into, one waits, one is being sent, and one is still held by the network.
    private static let countMax = 4

    private let size: Int
    private var kept: [ByteBuffer] = []

    /// - Parameter size: of each window, in bytes; a power of two, as buffers are.
    init(size: Int) { self.size = size }

    /// An empty window that nobody else sees.
    func next() -> ByteBuffer {
        guard kept.count >= Self.countMax else {
            return ByteBufferAllocator().buffer(capacity: size)
        }
        var window = kept.removeFirst()
        // Where slices of it are still about, this leaves them what they have and takes other
        // memory.
        window.clear(minimumCapacity: size)
        return window
    }

    /// Remembers a window, so that it can be used again.
    func keep(_ window: ByteBuffer) { kept.append(window) }
}
