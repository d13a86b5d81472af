import DepotCore
import DepotTestSupport
import FoundationEssentials
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import DepotReplica

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// With TLS a chunk goes through memory, of which a connection has little.
@Suite(.timeLimit(.minutes(1))) struct FilePiecesTests {
    private final class OpenFile: Sendable {
        let descriptor: Int32

        init(_ bytes: ByteBuffer, in folder: String) throws {
            let path = "\(folder)/file"
            try Data(bytes.readableBytesView).write(to: URL(fileURLWithPath: path))
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
        }

        deinit { close(descriptor) }

        func part(_ offset: Int, _ length: Int) -> ReplicaResponse.Part {
            .file(
                FileExtent(
                    descriptor: descriptor, offset: Int64(offset), length: length, owner: self))
        }
    }

    /// Somebody who takes a piece every millisecond.
    private final class SlowReader: Sendable {
        private struct State {
            var bytes = ByteBuffer()
            var underWay = 0
            var underWayMax = 0
            var largest = 0
        }

        private let state = Mutex(State())

        var bytes: ByteBuffer { state.withLock { $0.bytes } }
        var underWayMax: Int { state.withLock { $0.underWayMax } }
        var largest: Int { state.withLock { $0.largest } }

        func take(_ piece: ByteBuffer, on loop: any EventLoop) -> EventLoopFuture<Void> {
            state.withLock { state in
                state.bytes.writeImmutableBuffer(piece)
                state.underWay += 1
                state.underWayMax = max(state.underWayMax, state.underWay)
                state.largest = max(state.largest, piece.readableBytes)
            }
            return loop.scheduleTask(in: .milliseconds(1)) { [self] in
                state.withLock { $0.underWay -= 1 }
            }.futureResult
        }
    }

    private func send(
        _ parts: [ReplicaResponse.Part], to reader: SlowReader
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let over = loop.makePromise(of: Void.self)
        loop.execute {
            FilePieces(parts, on: loop) {
                reader.take($0, on: loop)
            } onEnd: {
                over.completeWith($0)
            }.advance()
        }
        try await over.futureResult.get()
    }

    @Test func `pieces come in order, and two of them are in memory at the most`() async throws {
        try await withFolder { folder in
            var generator = SeededGenerator(seed: 81)
            let content = generator.buffer(3_000_000)
            let file = try OpenFile(content, in: folder)
            let head = ByteBuffer(string: "head")
            let reader = SlowReader()
            try await send(
                [
                    .bytes(head), file.part(0, 3_000_000), .bytes(head), file.part(100, 1),
                    file.part(FilePieces.size, FilePieces.size),
                ], to: reader)
            var expected = head
            expected.writeImmutableBuffer(content)
            expected.writeImmutableBuffer(head)
            for (offset, length) in [(100, 1), (FilePieces.size, FilePieces.size)] {
                expected.writeImmutableBuffer(
                    try #require(content.getSlice(at: offset, length: length)))
            }
            #expect(reader.bytes == expected)
            #expect(reader.underWayMax == 2 && reader.largest == FilePieces.size)
        }
    }

    @Test func `a file that ends before it is to is an error`() async throws {
        try await withFolder { folder in
            let file = try OpenFile(ByteBuffer(repeating: 1, count: 1_000), in: folder)
            await expectError(.storeFailed) {
                try await send([file.part(0, 1_001)], to: SlowReader())
            }
        }
    }
}
