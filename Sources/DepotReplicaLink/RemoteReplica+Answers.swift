import DepotCore
import DepotWire
import NIOCore

// A replica may be broken, or not be one. Whatever it answers is bounded before it is taken in, by
// what was asked, and has to be what a replica can say: numbers within their bounds, pages that go
// forward and hold no more than they may. What is not is `misbehaving`, is used for nothing, and is
// told of with the replica's name. An error that it answers is no misbehaviour, and comes through
// as it is.
extension RemoteReplica {
    /// Of what an operator calls a replica, and where it stands, in bytes.
    private static let labelSizeMax = 255

    /// The body of the whole answer to a request.
    ///
    /// - Parameters:
    ///   - limit: what the request allows to be answered, in bytes.
    ///   - isConfirmed: whether it has to come from the replica that was last seen here.
    func answer(
        to request: WireRequest, upTo limit: Int = WireLimits.bodyBytesMax,
        isConfirmed: Bool = false
    ) async throws(DepotError) -> ByteBuffer {
        var request = request
        if isConfirmed { request.replica = try settled() }
        let (exchange, head) = try await transport.ask(request)
        do throws(DepotError) {
            try recognise(exchange.certificate, claiming: head.headers.replica)
            if isConfirmed { try check(head.headers) }
            return try await body(of: exchange, upTo: limit)
        } catch {
            exchange.cancel()
            throw error
        }
    }

    /// - Throws: `misbehaving` for more than may come.
    func body(
        of exchange: WireExchange, upTo limit: Int = WireLimits.bodyBytesMax
    ) async throws(DepotError) -> ByteBuffer {
        do throws(DepotError) {
            return try await exchange.collect(upTo: limit)
        } catch {
            guard error.code == .tooLarge else { throw error }
            throw misbehaving("more than the \(limit) bytes that the question allows")
        }
    }

    /// Runs `body`, which takes an answer apart.
    func understand<Value>(
        _ what: String, _ body: () throws(DepotError) -> Value
    ) throws(DepotError) -> Value {
        do throws(DepotError) {
            return try body()
        } catch {
            throw misbehaving("something else than \(what): \(error.message)")
        }
    }

    func misbehaving(_ what: String) -> DepotError {
        DepotError(
            .misbehaving, "it answered \(what); is it a StorageReplica of this version?",
            object: transport.endpoint.description)
    }

    static func standing(_ body: ByteBuffer) throws(DepotError) -> ReplicaStanding {
        let standing = try WireJSON.decode(ReplicaStanding.self, from: body)
        for label in [standing.name, standing.zone].compactMap({ $0 })
        where label.utf8.count > labelSizeMax {
            throw DepotError(
                .invalidArgument,
                "a name or zone of \(label.utf8.count) bytes, at most \(labelSizeMax) are allowed")
        }
        return standing
    }

    /// A page has to begin behind its cursor, to go forward, and to be no longer than was asked.
    func checkPage<Key: Comparable>(
        _ keys: [Key], after cursor: Key?, limit: Int, of what: String
    ) throws(DepotError) {
        guard keys.count <= limit else {
            throw misbehaving("\(keys.count) \(what) where \(limit) were asked for")
        }
        var last = cursor
        for key in keys {
            guard last.map({ $0 < key }) ?? true else {
                throw misbehaving("\(what) that are not in order, or come twice")
            }
            last = key
        }
    }
}
