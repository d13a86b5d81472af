import DepotCertificates
import DepotCore
import NIOCore
import NIOHTTP1
import Synchronization

/// A request that is being written and an answer that is being read, part by part, with
/// back-pressure both ways.
///
/// Write all parts, `finish`, take the `head`, then `next` until `nil`; or `cancel`. For one task
/// at a time. An exchange that is left unfinished must be cancelled, or its connection is lost to
/// the pool.
public final class WireExchange: Sendable {
    /// Numbers requests. An answer repeats its request's: an answer that came twice would else be
    /// taken for that of the next request.
    public static let header = "depot-exchange"

    private let number: String
    private let connection: WireConnection
    private let pool: ConnectionPool
    private let endpoint: Endpoint
    private let patience: TimeAmount
    private let isOver = Atomic<Bool>(false)
    private let keepsAlive = Atomic<Bool>(true)
    /// What the answer's body has to hash to, where its head says so.
    private let digest = Mutex<String?>(nil)

    init(
        number: String, connection: WireConnection, pool: ConnectionPool, endpoint: Endpoint,
        patience: TimeAmount
    ) {
        self.number = number
        self.connection = connection
        self.pool = pool
        self.endpoint = endpoint
        self.patience = patience
    }

    deinit { giveUp() }

    /// What the other side showed; `nil` without TLS.
    public var certificate: Certificate? { connection.certificate }

    func send(_ head: HTTPRequestHead) {
        connection.channel.write(HTTPClientRequestPart.head(head), promise: nil)
    }

    /// Sends parts of the body, together; waits while the other side takes no more. Each call costs
    /// a wake-up of the connection's thread and a system call: small parts are better collected,
    /// see `BodyWriter`.
    ///
    /// - Throws: what the other side answered, where it did so before the body was over.
    public func write(_ parts: [ByteBuffer]) async throws(DepotError) {
        // What is encrypted is a copy: of a large chunk only so much as the connection takes.
        let groups =
            connection.certificate == nil
            ? [parts] : parts.grouped(upTo: ChannelTuning.sentTogether)
        for group in groups {
            let wasRefused: Bool
            do {
                wasRefused = try await connection.ask { [patience] in
                    $0.send(group, patience: patience)
                }
            } catch {
                giveUp()
                throw error
            }
            if wasRefused { throw await refusal() }
        }
    }

    /// Ends the body.
    public func finish() async throws(DepotError) {
        connection.channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// The answer's head. A body follows, which `next` or `collect` gives.
    public func head() async throws(DepotError) -> HTTPResponseHead {
        guard case .head(let head) = try await part("it did not answer") else {
            giveUp()
            throw DepotError(
                .unreachable, "the answer has no beginning", object: endpoint.description)
        }
        guard head.headers.first(name: Self.header).map({ $0 == number }) ?? true else {
            giveUp()
            throw DepotError(
                .unreachable, "the answer to another request came", object: endpoint.description)
        }
        keepsAlive.store(head.isKeepAlive, ordering: .relaxed)
        digest.withLock { $0 = head.headers.first(name: BodyDigest.header) }
        return head
    }

    /// The next bytes of the answer's body; `nil` at its end, which gives the connection back.
    public func next() async throws(DepotError) -> ByteBuffer? {
        switch try await part("the rest of its answer did not come") {
        case .body(let bytes): return bytes
        case .head: return ByteBuffer()
        case .end:
            guard !isOver.exchange(true, ordering: .relaxed) else { return nil }
            if keepsAlive.load(ordering: .relaxed) {
                pool.giveBack(connection)
            } else {
                connection.close()
                pool.drop()
            }
            return nil
        }
    }

    /// The answer's whole body.
    ///
    /// - Throws: `tooLarge` where it has more than `limit` bytes; `unreachable` where it was
    ///   changed on its way.
    public func collect(upTo limit: Int) async throws(DepotError) -> ByteBuffer {
        var body = ByteBuffer()
        while let part = try await next() {
            guard body.readableBytes + part.readableBytes <= limit else {
                giveUp()
                throw DepotError(
                    .tooLarge,
                    "an answer of more than \(limit) bytes came, which is more than fits",
                    object: endpoint.description)
            }
            if body.readableBytes == 0 { body = part } else { body.writeImmutableBuffer(part) }
        }
        try BodyDigest.check(
            body, against: digest.withLock { $0 }, from: endpoint.description)
        return body
    }

    /// What an answer that tells of an error tells.
    public func failure(_ head: HTTPResponseHead) async -> DepotError {
        do {
            let body = try await collect(upTo: WireLimits.bodyBytesMax)
            return ErrorEnvelope.error(status: Int(head.status.code), body: body, from: endpoint)
        } catch {
            return error
        }
    }

    /// The error that came before the request was whole. The rest of the request will not be sent:
    /// the connection is of no more use.
    private func refusal() async -> DepotError {
        do throws(DepotError) {
            let head = try await head()
            keepsAlive.store(false, ordering: .relaxed)
            return await failure(head)
        } catch {
            return error
        }
    }

    private func part(_ what: String) async throws(DepotError) -> ExchangeHandler.Part {
        do {
            return try await connection.ask { [patience] in $0.nextPart(patience: patience, what) }
        } catch {
            giveUp()
            throw error
        }
    }

    /// Whether the connection ended, as opposed to an answer that did not come in time, before
    /// anything was answered.
    func wasLostUnanswered() async -> Bool { await connection.wasLostUnanswered() }

    public func cancel() { giveUp() }

    private func giveUp() {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        connection.close()
        pool.drop()
    }
}

extension ErrorEnvelope {
    /// The error in an answer's body; where there is none, what the status says.
    static func error(status: Int, body: ByteBuffer, from endpoint: Endpoint) -> DepotError {
        do {
            return try WireJSON.decode(ErrorEnvelope.self, from: body).depotError
        } catch {
            return DepotError(
                status == 401 ? .unauthorized : .unreachable,
                "it answered HTTP \(status), and not as depot does; is the address right?",
                object: endpoint.description)
        }
    }
}

extension [ByteBuffer] {
    /// The same bytes in the same order, so many of them at a time.
    func grouped(upTo bytesMax: Int) -> [[ByteBuffer]] {
        var groups: [[ByteBuffer]] = []
        var (group, bytes): ([ByteBuffer], Int) = ([], 0)
        for var rest in self {
            while bytes + rest.readableBytes > bytesMax,
                let piece = rest.readSlice(length: bytesMax - bytes)
            {
                groups.append(group + [piece])
                (group, bytes) = ([], 0)
            }
            group.append(rest)
            bytes += rest.readableBytes
        }
        return group.isEmpty ? groups : groups + [group]
    }
}
