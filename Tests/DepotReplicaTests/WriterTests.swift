import DepotCore
import DepotReplicaLink
import DepotTestSupport
import DepotWire
import Testing

/// A replica takes changes from the FileServer whose claim it keeps, and from no other.
@Suite(.timeLimit(.minutes(1))) struct WriterTests {
    private static func remote(
        _ replica: TestReplica, _ writer: WriterClaim?
    ) async throws -> RemoteReplica {
        let remote = RemoteReplica(
            transport: ChunkTransport(
                endpoint: Endpoint(host: "127.0.0.1", port: replica.port),
                token: try AccessToken(TestReplica.token)),
            cluster: ClusterIdentity(
                cluster: TestReplica.membership.cluster, epoch: TestReplica.membership.epoch,
                writer: writer))
        _ = try await remote.standing()
        return remote
    }

    private static func offer(
        _ writer: WriterClaim?, replacing kept: WriterClaim? = nil
    ) -> MembershipOffer {
        let known = TestReplica.membership
        return MembershipOffer(
            ClusterMembership(
                cluster: known.cluster, epoch: known.epoch, members: known.members, writer: writer),
            replacing: kept)
    }

    /// Two FileServers on copies of one catalog: the replicas did as both said.
    @Test func `who was taken over may read, and change nothing`() async throws {
        let (first, second) = (
            WriterClaim(number: 1, id: .random()), WriterClaim(number: 2, id: .random())
        )
        let (kept, late) = (SampleObjects.chunk(1), SampleObjects.chunk(2))
        try await TestReplica.run(MemoryReplica()) { replica in
            let nobody = try await Self.remote(replica, nil)
            #expect(try await nobody.putDurably([SampleObjects.chunk(3)]) == [.durable])
            let old = try await Self.remote(replica, first)
            _ = try await old.adopt(Self.offer(first))
            #expect(try await old.putDurably([kept]) == [.durable])
            let token = try await old.condemn([kept.id])
            let new = try await Self.remote(replica, second)
            await expectError(.epochStale) { _ = try await new.vouch(for: [kept.id]) }
            _ = try await new.adopt(Self.offer(second, replacing: first))
            for remote in [nobody, old] {
                await expectError(.epochStale) { try await remote.put([late]) }
                await expectError(.epochStale) { _ = try await remote.vouch(for: [kept.id]) }
                await expectError(.epochStale) { _ = try await remote.condemn([kept.id]) }
                await expectError(.epochStale) {
                    _ = try await remote.delete([kept.id], token: token)
                }
                await expectError(.epochStale) {
                    _ = try await remote.compact(SegmentID(number: 1, nonce: 1))
                }
                #expect(try await remote.check([kept.id, late.id]) == [.good, .absent])
                #expect(try await remote.inventory(after: nil, limit: 9).count == 2)
            }
            await expectError(.epochStale) { _ = try await old.adopt(Self.offer(first)) }
            #expect(try await new.putDurably([late]) == [.durable])
        }
    }
}
