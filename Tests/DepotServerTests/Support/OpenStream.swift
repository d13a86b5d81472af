import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A request whose answer does not end, or whose body does not: what has come of the answer so far.
final class OpenStream: Sendable {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let text = Mutex("")
        let isClosed = Atomic(false)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let part = String(buffer: unwrapInboundIn(data))
            text.withLock { $0 += part }
        }

        func channelInactive(context: ChannelHandlerContext) {
            isClosed.store(true, ordering: .sequentiallyConsistent)
        }
    }

    private let channel: any Channel
    private let collector = Collector()

    /// - Parameter declared: bytes of a body, of which none is sent.
    init(
        port: Int, token: String, _ method: String = "GET", path: String = "/v1/events",
        declared: Int? = nil
    ) async throws {
        let collector = collector
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(collector) }
            .connect(host: "127.0.0.1", port: port).get()
        let length = declared.map { "Content-Length: \($0)\r\n" } ?? ""
        let head =
            "\(method) \(path) HTTP/1.1\r\nHost: depot\r\nAuthorization: Bearer \(token)\r\n"
            + "\(length)\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: head))
    }

    /// All that has come, with the head.
    var text: String { collector.text.withLock { $0 } }
    var isClosed: Bool { collector.isClosed.load(ordering: .sequentiallyConsistent) }
    /// `nil` until there is one.
    var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

    func close() async throws { try? await channel.close() }
}
