import DepotCore
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// TLS has to see what it sends: there is no `sendfile`. A range of a file is read in pieces, on
// other threads than the event loop's, and the next one only while the one before is on its way: a
// connection has two of them in memory at the most, whatever was asked for and however slowly it is
// taken.

/// Sends the parts of an answer, files in pieces.
final class FilePieces {
    /// A read costs a wake-up of another thread, and all connections together much memory.
    static let size = 256 << 10
    /// One is being sent while the next is read.
    private static let underWayMax = 2

    private let loop: any EventLoop
    private let write: (ByteBuffer) -> EventLoopFuture<Void>
    private let onEnd: (Result<Void, any Error>) -> Void
    private var parts: CircularBuffer<ReplicaResponse.Part>
    /// What was read of the first part.
    private var offset = 0
    private var isReading = false
    private var underWay = 0
    private var isOver = false

    /// - Parameters:
    ///   - write: hands a piece to the connection; succeeds when the socket has taken it.
    ///   - onEnd: called once, when every piece was handed over, or one could not be read or
    ///     written.
    init(
        _ parts: [ReplicaResponse.Part], on loop: any EventLoop,
        write: @escaping (ByteBuffer) -> EventLoopFuture<Void>,
        onEnd: @escaping (Result<Void, any Error>) -> Void
    ) {
        self.parts = CircularBuffer(parts)
        self.loop = loop
        self.write = write
        self.onEnd = onEnd
    }

    /// On the event loop.
    func advance() {
        while !isOver, !isReading, underWay < Self.underWayMax {
            switch parts.first {
            case nil: return end(.success(()))
            case .bytes(let bytes):
                parts.removeFirst()
                send(bytes)
            case .file(let extent): read(extent)
            }
        }
    }

    private func read(_ extent: FileExtent) {
        isReading = true
        let length = min(Self.size, extent.length - offset)
        let place = extent.offset + Int64(offset)
        let bound = NIOLoopBound(self, eventLoop: loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try Self.piece(of: extent, at: place, length: length)
        }.whenComplete { bound.value.took($0, of: extent) }
    }

    private func took(_ piece: Result<ByteBuffer, any Error>, of extent: FileExtent) {
        isReading = false
        guard !isOver else { return }
        switch piece {
        case .failure(let error): end(.failure(error))
        case .success(let bytes):
            offset += bytes.readableBytes
            if offset == extent.length {
                parts.removeFirst()
                offset = 0
            }
            send(bytes)
            advance()
        }
    }

    private func send(_ bytes: ByteBuffer) {
        underWay += 1
        let bound = NIOLoopBound(self, eventLoop: loop)
        write(bytes).whenComplete { result in
            let pieces = bound.value
            pieces.underWay -= 1
            if case .failure(let error) = result { pieces.end(.failure(error)) }
            pieces.advance()
        }
    }

    private func end(_ result: Result<Void, any Error>) {
        guard !isOver else { return }
        isOver = true
        parts = []
        onEnd(result)
    }

    /// - Throws: where the file ends before, or cannot be read.
    private static func piece(
        of extent: FileExtent, at place: Int64, length: Int
    ) throws(DepotError) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: length)
        while bytes.readableBytes < length {
            let done = bytes.readableBytes
            let start = off_t(place) + off_t(done)
            let count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { room in
                max(0, pread(extent.descriptor, room.baseAddress, length - done, start))
            }
            guard count > 0 else {
                throw DepotError(.storeFailed, "a segment ends before what it is to hold")
            }
        }
        return bytes
    }
}
