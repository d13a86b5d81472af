import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1
import NIOPosix

/// A plain HTTP/1.1 client: one connection a request.
struct HTTPCaller: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: ByteBuffer
        /// Whether the body came to its end.
        let isWhole: Bool
        /// Whether the server asked for the body.
        var wasInvited = false

        func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try WireJSON.decode(type, from: body)
        }

        var error: ErrorEnvelope.Body? {
            (try? WireJSON.decode(ErrorEnvelope.self, from: body))?.error
        }
    }

    let port: Int
    var token: String?

    func call(
        _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [],
        body: [ByteBuffer] = [], declared: Int? = nil, waitsForInvitation: Bool = false
    ) async throws -> Answer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        HTTPRequestEncoder(),
                        ByteToMessageHandler(
                            HTTPResponseDecoder(informationalResponseStrategy: .forward)))
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        head.headers.add(name: "Host", value: "depot")
        head.headers.add(name: "Connection", value: "close")
        if let token { head.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let length = declared ?? body.reduce(0) { $0 + $1.readableBytes }
        if declared ?? 0 >= 0, length > 0 || method == .PUT || method == .POST {
            head.headers.add(name: "Content-Length", value: String(length))
        }
        if waitsForInvitation { head.headers.add(name: "Expect", value: "100-continue") }
        for (name, value) in headers { head.headers.add(name: name, value: value) }
        let request = head
        return try await channel.executeThenClose { inbound, outbound in
            var answers = inbound.makeAsyncIterator()
            try await outbound.write(.head(request))
            var first: HTTPClientResponsePart?
            var wasInvited = false
            if waitsForInvitation {
                first = try await answers.next()
                if case .head(let head) = first, head.status == .continue {
                    wasInvited = true
                    first = nil
                }
            }
            if first == nil { await Self.send(body, declared, request, outbound) }
            var answer = try await Self.receive(first, &answers)
            answer.wasInvited = wasInvited
            return answer
        }
    }

    /// A server that refuses may cut the connection while we still send.
    private static func send(
        _ body: [ByteBuffer], _ declared: Int?, _ head: HTTPRequestHead,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async {
        do {
            for part in body { try await outbound.write(.body(.byteBuffer(part))) }
            let sent = body.reduce(0) { $0 + $1.readableBytes }
            if declared == nil || declared == -1 || declared == sent {
                try await outbound.write(.end(nil))
            } else {
                outbound.finish()
            }
        } catch {}
    }

    private static func receive(
        _ first: HTTPClientResponsePart?,
        _ answers: inout NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    ) async throws -> Answer {
        var next = try await { if let first { first } else { try await answers.next() } }()
        var head: HTTPResponseHead?
        var body = ByteBuffer()
        do {
            while let part = next {
                switch part {
                case .head(let found): if found.status != .continue { head = found }
                case .body(var bytes): body.writeBuffer(&bytes)
                case .end:
                    guard let head else { break }
                    return Answer(
                        status: Int(head.status.code), headers: head.headers, body: body,
                        isWhole: true)
                }
                next = try await answers.next()
            }
        } catch {
            guard head != nil else { throw error }
        }
        guard let head else { throw DepotError(.unreachable, "no answer") }
        return Answer(
            status: Int(head.status.code), headers: head.headers, body: body, isWhole: false)
    }
}
