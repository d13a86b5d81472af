import DepotCore
import NIOCore
import Synchronization

// A small chunk is a frame of 64 bytes and a few KiB: sent one by one, nearly all the time went into waking the thread of
// the connection and into system calls. Parts are kept as the slices that they are, and sent some at a time.

/// Collects the parts of an exchange's body. For one task at a time.
public final class BodyWriter: Sendable {
    /// So much is sent together.
    private static let bytesMax = ChannelTuning.sentTogether
    /// Vectors of one system call, of which the encoder makes more than one a part.
    private static let partsMax = 256

    private struct Waiting {
        var parts: [ByteBuffer] = []
        var bytes = 0
    }

    private let exchange: WireExchange
    private let waiting = Mutex(Waiting())

    public init(_ exchange: WireExchange) { self.exchange = exchange }

    /// Sends the parts now, or together with what follows; waits while the other side takes no more.
    public func write(_ parts: [ByteBuffer]) async throws(DepotError) {
        let isFull = waiting.withLock { waiting in
            waiting.parts += parts
            waiting.bytes += parts.reduce(0) { $0 + $1.readableBytes }
            return waiting.bytes >= Self.bytesMax || waiting.parts.count >= Self.partsMax
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
            defer { waiting = Waiting() }
            return waiting.parts
        }
        if !ready.isEmpty { try await exchange.write(ready) }
    }
}
