import DepotCore
import NIOCore
import Synchronization

// A small chunk is a frame of 64 bytes and a few KiB: sent one by one, nearly all the time went
// into waking the thread of the connection and into system calls, and sent together, as the slices
// that they were, into each one's way through the channel and the framing that HTTP puts around it.
// So what is small is copied into one buffer; what is large stays the slice that it is.

/// Collects the parts of an exchange's body. For one task at a time.
public final class BodyWriter: Sendable {
    /// So much is sent together.
    private static let bytesMax = ChannelTuning.sentTogether
    /// Up to here a copy is cheaper than a buffer more.
    private static let copiedMax = 16 << 10

    private struct Waiting {
        var parts: [ByteBuffer] = []
        /// Small parts that follow the others.
        var small = ByteBuffer()
        var bytes = 0

        mutating func add(_ part: ByteBuffer) {
            bytes += part.readableBytes
            if part.readableBytes <= copiedMax {
                small.writeImmutableBuffer(part)
            } else {
                close()
                parts.append(part)
            }
        }

        /// Puts the small ones behind the others.
        mutating func close() {
            guard small.readableBytes > 0 else { return }
            parts.append(small)
            small = ByteBuffer()
        }
    }

    private let exchange: WireExchange
    private let waiting = Mutex(Waiting())

    public init(_ exchange: WireExchange) { self.exchange = exchange }

    /// Sends the parts now, or together with what follows; waits while the other side takes no
    /// more.
    public func write(_ parts: [ByteBuffer]) async throws(DepotError) {
        let isFull = waiting.withLock { waiting in
            for part in parts { waiting.add(part) }
            return waiting.bytes >= Self.bytesMax
        }
        if isFull { try await flush() }
    }

    /// Sends what is left, and ends the body.
    public func finish() async throws(DepotError) {
        try await flush()
        try await exchange.finish()
    }

    private func flush() async throws(DepotError) {
        let ready = waiting.withLock { waiting in
            waiting.close()
            defer { waiting = Waiting() }
            return waiting.parts
        }
        if !ready.isEmpty { try await exchange.write(ready) }
    }
}
