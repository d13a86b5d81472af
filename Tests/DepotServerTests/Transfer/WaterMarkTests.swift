import NIOCore
import NIOPosix
import Testing

@testable import DepotServer
@testable import DepotWire

/// How much of an answer waits in a connection for its client.
@Suite(.timeLimit(.minutes(1))) struct WaterMarkTests {
    private static let part = 64 << 10

    /// A connection as the FileServer sets it up, and a client's end of it.
    private static func withConnection(
        _ body: (_ server: any Channel, _ client: any Channel) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let accepted = group.any().makePromise(of: (any Channel).self)
        let places = ConnectionRegistry(countMax: 4)
        let listener = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([LingeringClose(), ChannelTuner()])
                _ = try TransferWatch.of(channel, TransferRules(), among: places)
                accepted.succeed(channel)
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.so_rcvbuf), value: 4_096)
            .channelOption(.autoRead, value: false)
            .connect(to: try #require(listener.localAddress)).get()
        try await body(try await accepted.futureResult.get(), client)
        try await client.close()
        try await listener.close()
    }

    /// Writes while the connection takes more, and some time after.
    ///
    /// - Returns: what waits in the connection in the end.
    private static func fill(_ server: any Channel) async throws -> Int {
        var calm = 0
        while calm < 20 {
            if server.isWritable {
                calm = 0
                server.writeAndFlush(ByteBuffer(repeating: 0, count: part), promise: nil)
                // The flush goes through the event loop: what it does is seen after it.
                try await server.eventLoop.submit {}.get()
            } else {
                calm += 1
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        return try await server.getOption(.bufferedWritableBytes).get()
    }

    @Test func `a client that takes nothing has little wait for it`() async throws {
        try await Self.withConnection { server, _ in
            let waiting = try await Self.fill(server)
            #expect(waiting <= 128 << 10 + Self.part)
        }
    }

    @Test func `one that takes what it asks for has more sent at once`() async throws {
        try await Self.withConnection { server, client in
            try await client.setOption(.socketOption(.so_rcvbuf), value: 1 << 20).get()
            try await client.setOption(.autoRead, value: true).get()
            let large = ByteBuffer(repeating: 0, count: ChannelTuning.sentTogether)
            for _ in 0..<16 { try await server.writeAndFlush(large).get() }
            let mark = try await server.getOption(.writeBufferWaterMark).get()
            #expect(mark.high == ChannelTuning.waterMark.high)
        }
    }
}
