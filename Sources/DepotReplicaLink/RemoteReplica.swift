import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1
import Synchronization

/// A StorageReplica across the network.
///
/// An address can come to lead to another replica. Data operations are refused here unless the one
/// that answers is the one that was last seen when asked who it is, at least twice where it
/// changed: whoever asks has then had time to decide whether it is welcome.
public final class RemoteReplica: ReplicaLink {
    private struct Identity {
        var confirmed: ReplicaID?
        var seen: ReplicaID?
        var heard: HeardPosition?
        var certificateEnds: Int64?
    }

    let transport: ChunkTransport
    private let cluster: ClusterIdentity
    private let identity = Mutex(Identity())
    /// A barrier waits for a disk that may have much to write, a check reads and hashes.
    private static let diskPatience = TimeAmount.seconds(120)

    public init(transport: ChunkTransport, cluster: ClusterIdentity) {
        self.transport = transport
        self.cluster = cluster
    }

    // MARK: Who it is

    public func standing() async throws(DepotError) -> ReplicaStanding {
        let standing = try await standing(answering: request(.GET, .standing))
        see(standing)
        return standing
    }

    public func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        var request = request(.POST, .cluster)
        request.body = try WireJSON.encode(AdoptionBody(offer))
        let seen = identity.withLock { $0.seen }
        request.replica = seen
        let standing = try await standing(answering: request)
        guard seen == nil || standing.replica == seen else {
            throw misbehaving("as replica \(standing.replica), having been another one just before")
        }
        return standing
    }

    public var certificateEnds: Int64? { identity.withLock { $0.certificateEnds } }

    public var heard: HeardPosition? { identity.withLock { $0.heard } }

    /// Of whom data is asked: it is sent to nobody else.
    ///
    /// - Throws: `conflict` where that is not known yet.
    func settled() throws(DepotError) -> ReplicaID {
        if let confirmed = identity.withLock({ $0.confirmed }) { return confirmed }
        throw DepotError(
            .conflict, "it is not settled which replica this is",
            object: transport.endpoint.description)
    }

    func note(certificateEnds: Int64) {
        identity.withLock { $0.certificateEnds = certificateEnds }
    }

    /// Who asks for a standing has been told before what was heard until then, and judges; from
    /// here on this counts.
    private func see(_ standing: ReplicaStanding) {
        identity.withLock { identity in
            if identity.seen == nil || identity.seen == standing.replica {
                identity.confirmed = standing.replica
            } else {
                identity.confirmed = nil
            }
            identity.seen = standing.replica
            identity.heard = HeardPosition(
                replica: standing.replica, position: standing.position)
        }
    }

    /// - Throws: `conflict` where another replica answered than the one that was asked.
    func check(_ headers: HTTPHeaders) throws(DepotError) {
        let confirmed = try settled()
        guard headers.replica == confirmed else {
            throw DepotError(
                .conflict,
                "replica \(headers.replica?.description ?? "without a name") answered, "
                    + "\(confirmed) was asked",
                object: transport.endpoint.description)
        }
        if let position = headers.position {
            hear(position, of: confirmed)
        } else if headers.contains(name: ReplicaHeader.position) {
            throw misbehaving("with a position that no log has")
        }
    }

    /// Answers overtake one another: the furthest counts.
    private func hear(_ position: LogPosition, of replica: ReplicaID) {
        identity.withLock { identity in
            guard identity.confirmed == replica else { return }
            if let heard = identity.heard, heard.replica == replica, heard.position >= position {
                return
            }
            identity.heard = HeardPosition(replica: replica, position: position)
        }
    }

    // MARK: What it holds

    public func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        var rest = objects[...]
        while !rest.isEmpty {
            var bytes = 0
            let batch = rest.prefix { object in
                defer { bytes += object.length }
                return bytes == 0 || bytes + object.length <= WireLimits.batchBytesMax
            }.prefix(WireLimits.batchObjectsMax)
            rest = rest.dropFirst(batch.count)
            let upload = try await openUpload(for: nil)
            for object in batch {
                try await upload.begin(object.id, length: object.length)
                for part in object.parts { try await upload.write(part) }
            }
            try await upload.finish()
        }
    }

    public func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        try await verdicts(.vouch, of: ids) { Vouch(rawValue: $0) }
    }

    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        try await verdicts(.check, of: ids) { CheckVerdict(rawValue: $0) }
    }

    /// Asks about ids, a list at a time; the answer has a byte for each.
    private func verdicts<Verdict>(
        _ route: ReplicaRoute, of ids: [ObjectID], _ verdict: (UInt8) -> Verdict?
    ) async throws(DepotError) -> [Verdict] {
        var verdicts: [Verdict] = []
        for batch in ids.batches(of: WireLimits.listEntriesMax) {
            let answer = try await ask(route, batch)
            let found = answer.readableBytesView.compactMap(verdict)
            guard found.count == batch.count, answer.readableBytes == batch.count else {
                throw misbehaving("\(answer.readableBytes) verdicts for \(batch.count) objects")
            }
            verdicts += found
        }
        return verdicts
    }

    public func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        try await read(ids, upTo: ids.count * Limits.chunkSizeMax)
    }

    public func read(
        _ ids: [ObjectID], upTo bytes: Int
    ) async throws(DepotError) -> [StoredObject?] {
        var objects: [StoredObject?] = []
        var left = bytes
        for batch in ids.batches(of: WireLimits.batchObjectsMax) {
            var request = request(.POST, .read)
            request.replica = try settled()
            request.body = WireList.encode(batch)
            let (exchange, head) = try await transport.ask(request)
            do throws(DepotError) {
                try recognise(exchange.certificate, claiming: head.headers.replica)
                try check(head.headers)
                objects += try await collect(batch, upTo: &left, from: exchange)
            } catch {
                exchange.cancel()
                throw error
            }
        }
        return objects
    }

    /// - Parameter left: bytes of content that may come.
    private func collect(
        _ ids: some Collection<ObjectID>, upTo left: inout Int, from exchange: WireExchange
    ) async throws(DepotError) -> [StoredObject?] {
        var frames = AnsweredFrames(wanted: Array(ids), bytesMax: left)
        while let bytes = try await exchange.next() {
            do throws(DepotError) {
                try frames.take(bytes)
            } catch {
                throw misbehaving(error.message)
            }
        }
        do throws(DepotError) {
            left = frames.bytesLeft
            return try frames.finish()
        } catch {
            throw misbehaving(error.message)
        }
    }

    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        let answer = try await ask(.condemn, ids[...])
        return try understand("a token") { () throws(DepotError) in
            try WireJSON.decode(CondemnToken.self, from: answer)
        }
    }

    public func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] {
        let answer = try await ask(.delete, ids[...], query: "?token=\(token.value)")
        let gone = try understand("a list of what it deleted") { () throws(DepotError) in
            try WireList.decode(ObjectID.self, from: answer)
        }
        guard Set(gone).count == gone.count, Set(ids).isSuperset(of: gone) else {
            throw misbehaving("that it deleted what it was not asked to delete")
        }
        return gone
    }

    // MARK: Requests

    private func ask(
        _ route: ReplicaRoute, _ ids: ArraySlice<ObjectID>, query: String = ""
    ) async throws(DepotError) -> ByteBuffer {
        var request = request(.POST, route)
        request.path += query
        request.body = WireList.encode(ids)
        request.patience = Self.diskPatience
        return try await answer(to: request, isConfirmed: true)
    }

    func request(_ method: HTTPMethod, _ route: ReplicaRoute) -> WireRequest {
        var request = WireRequest(method, route.rawValue)
        request.headers.add(identity: cluster)
        return request
    }

    public func openUpload(
        for deposit: DepositID?
    ) async throws(DepotError) -> any ChunkUpload {
        var request = request(.PUT, .objects)
        request.replica = try settled()
        if let deposit {
            request.headers.add(name: ReplicaHeader.deposit, value: deposit.description)
        }
        return RemoteUpload(exchange: try await transport.open(request), replica: self)
    }
}
