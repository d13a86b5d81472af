import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1
import Synchronization

/// A StorageReplica across the network.
///
/// An address can come to lead to another replica. Data operations are refused here unless the one that answers
/// is the one that was last seen when asked who it is, at least twice where it changed: whoever asks has then
/// had time to decide whether it is welcome.
public final class RemoteReplica: ReplicaLink {
    private struct Identity {
        var confirmed: ReplicaID?
        var seen: ReplicaID?
        var heard: HeardPosition?
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
        let answer = try await transport.send(request(.GET, .standing))
        let standing = try WireJSON.decode(ReplicaStanding.self, from: answer.body)
        see(standing)
        return standing
    }

    public func adopt(
        _ membership: ClusterMembership
    ) async throws(DepotError) -> ReplicaStanding {
        var request = request(.POST, .cluster)
        request.body = try WireJSON.encode(membership)
        let answer = try await transport.send(request)
        return try WireJSON.decode(ReplicaStanding.self, from: answer.body)
    }

    public var heard: HeardPosition? { identity.withLock { $0.heard } }

    /// Who asks for a standing has been told before what was heard until then, and judges; from here on this counts.
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
        let confirmed = identity.withLock { $0.confirmed }
        guard let confirmed else {
            throw DepotError(
                .conflict, "it is not settled which replica this is",
                object: transport.endpoint.description)
        }
        guard headers.replica == confirmed else {
            throw DepotError(
                .conflict,
                "replica \(headers.replica?.description ?? "without a name") answered, "
                    + "\(confirmed) was asked",
                object: transport.endpoint.description)
        }
        if let position = headers.position { hear(position, of: confirmed) }
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
        try await verdicts(.vouch, ids) { Vouch(rawValue: $0) }
    }

    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        try await verdicts(.check, ids) { CheckVerdict(rawValue: $0) }
    }

    /// Asks about ids, a list at a time; the answer has a byte for each.
    private func verdicts<Verdict>(
        _ route: ReplicaRoute, _ ids: [ObjectID], _ verdict: (UInt8) -> Verdict?
    ) async throws(DepotError) -> [Verdict] {
        var verdicts: [Verdict] = []
        for page in ids.pages(of: WireLimits.listEntriesMax) {
            let answer = try await ask(route, page)
            let found = answer.body.readableBytesView.compactMap(verdict)
            guard found.count == page.count, answer.body.readableBytes == page.count else {
                throw malformed("\(answer.body.readableBytes) verdicts for \(page.count) objects")
            }
            verdicts += found
        }
        return verdicts
    }

    public func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        var objects: [StoredObject?] = []
        for page in ids.pages(of: WireLimits.batchObjectsMax) {
            var request = request(.POST, .read)
            request.body = WireList.encode(page)
            let (exchange, head) = try await transport.ask(request)
            do throws(DepotError) {
                try check(head.headers)
                objects += try await collect(page, from: exchange)
            } catch {
                exchange.cancel()
                throw error
            }
        }
        return objects
    }

    private func collect(
        _ ids: some Collection<ObjectID>, from exchange: WireExchange
    ) async throws(DepotError) -> [StoredObject?] {
        var parser = ObjectFrameParser()
        var wanted = Array(ids)[...]
        var objects: [StoredObject?] = []
        var parts: [ByteBuffer] = []
        var current: ObjectFrame?
        while let bytes = try await exchange.next() {
            parser.append(bytes)
            while let event = try parser.next() {
                switch event {
                case .begin(let frame):
                    guard frame.id == wanted.popFirst() else {
                        throw malformed("another object than the one that was asked for")
                    }
                    current = frame
                    parts = []
                case .content(let bytes): parts.append(bytes)
                case .end:
                    guard let frame = current else { continue }
                    objects.append(
                        frame.status == .absent
                            ? nil
                            : StoredObject(
                                id: frame.id, length: frame.length, bytes: .memory(parts)))
                }
            }
        }
        try parser.finish()
        guard wanted.isEmpty else { throw malformed("fewer objects than were asked for") }
        return objects
    }

    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try await WireJSON.decode(CondemnToken.self, from: ask(.condemn, ids[...]).body)
    }

    public func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] {
        let answer = try await ask(.delete, ids[...], query: "?token=\(token.value)")
        return try WireList.decode(ObjectID.self, from: answer.body)
    }

    // MARK: Requests

    private func ask(
        _ route: ReplicaRoute, _ ids: ArraySlice<ObjectID>, query: String = ""
    ) async throws(DepotError) -> WireAnswer {
        var request = request(.POST, route)
        request.path += query
        request.body = WireList.encode(ids)
        request.patience = Self.diskPatience
        let answer = try await transport.send(request)
        try check(answer.headers)
        return answer
    }

    func request(_ method: HTTPMethod, _ route: ReplicaRoute) -> WireRequest {
        var request = WireRequest(method, route.rawValue)
        request.headers.add(
            membership: ClusterMembership(
                cluster: cluster.cluster, epoch: cluster.epoch, members: []))
        return request
    }

    private func malformed(_ what: String) -> DepotError {
        DepotError(
            .unreachable, "it answered \(what); is it a StorageReplica of this version?",
            object: transport.endpoint.description)
    }

    public func openUpload(
        for deposit: DepositID?
    ) async throws(DepotError) -> any ChunkUpload {
        var request = request(.PUT, .objects)
        if let deposit {
            request.headers.add(name: ReplicaHeader.deposit, value: deposit.description)
        }
        return RemoteUpload(exchange: try await transport.open(request), replica: self)
    }
}

extension Array {
    fileprivate func pages(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
