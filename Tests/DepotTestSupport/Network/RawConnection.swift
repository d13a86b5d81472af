import NIOCore
import NIOPosix

/// One end of a connection, on which a test says every byte. For one task.
public struct RawConnection {
    public typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var pending = ByteBuffer()

    init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Connects; the connection is closed when `body` is done.
    ///
    /// - Parameter receiving: what the kernel keeps of what comes and is not read; it chooses unless given.
    public static func open<Result>(
        port: Int, receiving: Int? = nil, _ body: (inout RawConnection) async throws -> Result
    ) async throws -> Result {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let receiving {
            bootstrap = bootstrap.channelOption(
                .socketOption(.so_rcvbuf), value: .init(receiving))
        }
        let channel =
            try await bootstrap
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try wrap(channel) }
            }
        return try await serve(channel, body)
    }

    static func wrap(_ channel: any Channel) throws -> Bytes {
        try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    static func serve<Result>(
        _ channel: Bytes, _ body: (inout RawConnection) async throws -> Result
    ) async throws -> Result {
        try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(inbound, outbound)
            return try await body(&connection)
        }
    }

    public func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    public func send(_ bytes: ByteBuffer) async throws { try await outbound.write(bytes) }

    /// Sends no more; still listens.
    public func finish() { outbound.finish() }

    /// The next message; `nil` where the connection ended before it was whole.
    public mutating func message() async throws -> RawMessage? {
        guard var message = await head() else { return nil }
        guard let length = message.header("content-length") else { return message }
        let size = Int(length) ?? 0
        while pending.readableBytes < size { guard await more() else { return nil } }
        message.body = pending.readSlice(length: size) ?? ByteBuffer()
        return message
    }

    /// The next message without its body.
    public mutating func head() async -> RawMessage? {
        while true {
            let view = pending.readableBytesView
            if let end = view.firstRange(of: Array("\r\n\r\n".utf8)) {
                let text = pending.readString(length: end.lowerBound - view.startIndex) ?? ""
                pending.moveReaderIndex(forwardBy: 4)
                return RawMessage(head: text)
            }
            guard await more() else { return nil }
        }
    }

    /// The next request with its body, also where that comes in chunks; `nil` where the connection ended before.
    public mutating func request() async throws -> RawMessage? {
        guard var request = await head() else { return nil }
        let isChunked = request.header("transfer-encoding") == "chunked"
        let size = request.header("content-length").flatMap { Int($0) } ?? 0
        guard let body = isChunked ? await chunks() : await bytes(size) else { return nil }
        request.body = body
        return request
    }

    private mutating func bytes(_ count: Int) async -> ByteBuffer? {
        while pending.readableBytes < count { guard await more() else { return nil } }
        return pending.readSlice(length: count)
    }

    private mutating func chunks() async -> ByteBuffer? {
        var body = ByteBuffer()
        while true {
            while !pending.readableBytesView.contains(UInt8(ascii: "\n")) {
                guard await more() else { return nil }
            }
            let view = pending.readableBytesView
            guard let end = view.firstIndex(of: UInt8(ascii: "\n")),
                let line = pending.readString(length: end - view.startIndex + 1),
                let size = Int(line.prefix { $0.isHexDigit }, radix: 16),
                var chunk = await bytes(size + 2)
            else { return nil }
            if size == 0 { return body }
            body.writeImmutableBuffer(chunk.readSlice(length: size) ?? ByteBuffer())
        }
    }

    /// Everything until the other side ends the connection, which this waits for.
    public mutating func rest() async -> ByteBuffer {
        while await more() {}
        defer { pending = ByteBuffer() }
        return pending
    }

    /// What comes next, however little; `nil` where the connection has ended.
    public mutating func piece() async -> ByteBuffer? {
        if pending.readableBytes == 0 { guard await more() else { return nil } }
        defer { pending = ByteBuffer() }
        return pending
    }

    /// Takes what comes next, without looking at it.
    ///
    /// - Returns: `false` where the connection has ended, in whatever way.
    private mutating func more() async -> Bool {
        do {
            guard let bytes = try await inbound.next() else { return false }
            pending.writeImmutableBuffer(bytes)
            return true
        } catch {
            return false
        }
    }
}

/// A request or an answer as it came.
public struct RawMessage: Sendable {
    public let startLine: String
    public let headers: [(name: String, value: String)]
    public var body = ByteBuffer()

    init(head: String) {
        let lines = head.split(separator: "\r\n").map(String.init)
        startLine = lines.first ?? ""
        headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].dropFirst()) : "")
        }
    }

    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// Of an answer.
    public var status: Int {
        let words = startLine.split(separator: " ")
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }
}
