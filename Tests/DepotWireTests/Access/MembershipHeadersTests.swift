import DepotCore
import DepotWire
import NIOHTTP1
import Testing

@Suite struct MembershipHeadersTests {
    @Test func `what a sender claims is read as it was written`() throws {
        let membership = ClusterMembership(cluster: .random(), epoch: .max, members: [.random()])
        var headers: HTTPHeaders = [ReplicaHeader.epoch: "1"]
        headers.add(membership: membership)
        let claim = try headers.claim()
        #expect(claim.cluster == membership.cluster && claim.epoch == .max)
    }

    @Test func `who answers, and how far its log is, is read as it was written`() throws {
        let position = LogPosition(opens: .max, segment: .max, offset: .max)
        let standing = ReplicaStanding(
            replica: try Known.replica(), membership: nil, position: position,
            highestSequence: nil, usedBytes: 0, freeBytes: 0, chunks: 0, writable: true)
        var headers = HTTPHeaders()
        headers.add(standing: standing)
        #expect(headers.first(name: "depot-replica") == Known.uuid)
        #expect(
            headers.first(name: "depot-position")
                == "18446744073709551615.4294967295.18446744073709551615")
        #expect(headers.replica == standing.replica)
        #expect(headers.position == position)
    }

    @Test(arguments: [
        "", "1.2", "1.2.3.4", "1.2.-3", "a.b.c", "1.4294967296.1", "1 .2.3",
    ])
    func `a position that is none is none`(text: String) {
        let headers: HTTPHeaders = [ReplicaHeader.position: text, ReplicaHeader.replica: text]
        #expect(headers.position == nil)
        #expect(headers.replica == nil)
        #expect(throws: DepotError.self) { try headers.claim() }
    }
}
