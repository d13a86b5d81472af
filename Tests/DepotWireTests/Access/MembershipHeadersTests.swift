import DepotCore
import DepotWire
import NIOHTTP1
import Testing

@Suite struct MembershipHeadersTests {
    @Test func `what a sender claims is read as it was written`() throws {
        for writer in [nil, WriterClaim(number: WriterClaim.numberMax, id: .random())] {
            let identity = ClusterIdentity(
                cluster: .random(), epoch: CommitSequence.epochMax, writer: writer)
            var headers: HTTPHeaders = [ReplicaHeader.epoch: "1"]
            headers.add(identity: identity)
            #expect(try headers.claim() == identity)
        }
    }

    @Test(arguments: ["", "7", "0.\(Known.uuid)", "9007199254740993.\(Known.uuid)", "7.x", "7..x"])
    func `a writer's claim that is none is refused`(text: String) {
        var headers = HTTPHeaders()
        headers.add(identity: ClusterIdentity(cluster: .random(), epoch: 1))
        headers.replaceOrAdd(name: ReplicaHeader.writer, value: text)
        #expect(throws: DepotError.self) { try headers.claim() }
    }

    @Test func `who answers, and how far its log is, is read as it was written`() throws {
        let position = LogPosition(
            opens: LogPosition.opensMax, segment: SegmentID.numberNext, offset: 1 << 28)
        let standing = ReplicaStanding(
            replica: try Known.replica(), membership: nil, position: position,
            highestSequence: nil, usedBytes: 0, freeBytes: 0, chunks: 0, writable: true)
        var headers = HTTPHeaders()
        headers.add(standing: standing)
        #expect(headers.first(name: "depot-replica") == Known.uuid)
        #expect(
            headers.first(name: "depot-position")
                == "1099511627776.\(SegmentID.numberNext).268435456")
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
