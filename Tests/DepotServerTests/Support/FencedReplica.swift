import DepotCore
import Synchronization

/// A fake replica as one FileServer reaches it: what it asks carries its claim, which the replica may refuse.
final class FencedReplica: ReplicaLink {
    private let base: FakeReplica
    private let identity = Mutex<ClusterIdentity?>(nil)
    /// What this FileServer was told last; others were told other things.
    private let heardLast = Mutex<HeardPosition?>(nil)

    init(_ base: FakeReplica) { self.base = base }

    func speaks(for identity: ClusterIdentity) { self.identity.withLock { $0 = identity } }

    /// As a replica does with what changes something.
    private func requireWriter() throws(DepotError) {
        let known = base.state.withLock { ($0.id, $0.membership) }
        guard let identity = identity.withLock({ $0 }), let membership = known.1 else { return }
        try membership.require(identity.writer, epoch: identity.epoch, by: known.0)
    }

    var heard: HeardPosition? { heardLast.withLock { $0 } }

    private func hear(_ standing: ReplicaStanding) {
        heardLast.withLock {
            $0 = HeardPosition(replica: standing.replica, position: standing.position)
        }
    }

    func standing() async throws(DepotError) -> ReplicaStanding {
        let standing = try await base.standing()
        hear(standing)
        return standing
    }

    func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        try await base.adopt(offer)
    }

    func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        try requireWriter()
        try await base.put(objects)
    }

    func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        let vouches = try await base.vouch(for: ids)
        try requireWriter()
        hear(base.state.withLock { $0.standing })
        return vouches
    }

    func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        try await base.read(ids)
    }

    func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        try await base.check(ids)
    }

    func inventory(after: ObjectID?, limit: Int) async throws(DepotError) -> [InventoryEntry] {
        try await base.inventory(after: after, limit: limit)
    }

    func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try requireWriter()
        return try await base.condemn(ids)
    }

    func delete(_ ids: [ObjectID], token: CondemnToken) async throws(DepotError) -> [ObjectID] {
        try requireWriter()
        return try await base.delete(ids, token: token)
    }

    func openUpload(for deposit: DepositID?) async throws(DepotError) -> any ChunkUpload {
        try requireWriter()
        return try await base.openUpload(for: deposit)
    }

    func segments(after number: UInt32?, limit: Int) async throws(DepotError) -> [SegmentInfo] {
        try await base.segments(after: number, limit: limit)
    }

    func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        try await base.scrub(segment, from: offset, budget: budget)
    }

    func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        try requireWriter()
        return try await base.compact(segment)
    }
}
