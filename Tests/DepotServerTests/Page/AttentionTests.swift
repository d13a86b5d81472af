import DepotCore
import DepotWire
import Testing

@testable import DepotServer

/// What is told first, and in which words.
@Suite struct AttentionTests {
    typealias Notice = OverviewBody.Notice

    private static func replica(
        _ state: StatusBody.Replica.State = .up, used: UInt64 = 50, free: UInt64 = 50,
        problem: String? = nil, days: Int? = nil
    ) -> StatusBody.Replica {
        StatusBody.Replica(
            id: nil, name: "r1", url: "http://r1", zone: "z", state: state, usedBytes: used,
            freeBytes: free, chunks: 1, problem: problem, certificateDaysLeft: days)
    }

    private static func notices(
        _ replicas: [StatusBody.Replica] = [], problem: String? = nil, days: Int? = nil,
        waiting: Int = 0, unreadable: Int = 0, oldest: Double? = 1, checked: Int = 1,
        runs: Duration = .seconds(10 * 86_400)
    ) throws -> [Notice] {
        let totals = CatalogTotals(
            files: 1, logicalBytes: 1, uniqueBytes: 1, storedBytes: 1, underReplicated: waiting,
            chunks: [:])
        return Attention(
            status: StatusBody(
                cluster: ClusterIdentity(cluster: .random(), epoch: 1), version: "1",
                problem: problem, replicas: replicas, totals: totals, certificateDaysLeft: days),
            repair: OverviewBody.Repair(
                waiting: waiting, unreadable: unreadable, lastCopies: 0,
                files: unreadable > 0 ? [try FileName("a")] : []),
            coverage: CoverageBody(
                days: 30,
                replicas: [
                    CoverageBody.Replica(
                        name: "r1", copies: 1, bytes: 1, checkedCopies: checked, checkedBytes: 1,
                        oldestDays: oldest, bytesPerDay: 1)
                ]),
            runs: runs, verificationAge: .seconds(14 * 86_400),
            verificationPeriod: .seconds(86_400)
        ).notices
    }

    @Test func `where all is well nothing is said`() throws {
        #expect(try Self.notices([Self.replica(days: 60)], days: 60).isEmpty)
    }

    @Test(
        arguments: [
            (StatusBody.Replica.State.down, OverviewBody.Notice.Urgency.warning, "depot forget r1"),
            (.lost, .warning, "depot forget r1"), (.maintenance, .notice, nil),
            (.readOnly, .warning, nil), (.refused, .urgent, nil), (.slow, .notice, nil),
            (.draining, .notice, "depot forget r1"),
        ] as [(StatusBody.Replica.State, OverviewBody.Notice.Urgency, String?)])
    func `a replica that is not up is told of, with what cures it`(
        _ state: StatusBody.Replica.State, _ urgency: Notice.Urgency, _ command: String?
    ) throws {
        let found = try Self.notices([Self.replica(state, problem: "a reason")])
        #expect(found.count == 1)
        let notice = try #require(found.first)
        #expect(notice.urgency == urgency && notice.command == command)
        #expect(notice.replica == "r1" && notice.text.contains("r1"))
        #expect(notice.text.hasSuffix("."))
    }

    @Test func `one that misbehaves is told of as that`() throws {
        let found = try Self.notices([Self.replica(.slow, problem: "misbehaving: too much")])
        #expect(found.map(\.text) == ["Replica r1 is misbehaving: too much."])
        #expect(found.first?.command == "depot drain r1")
    }

    @Test(
        arguments: [
            (50, nil), (9, .warning), (2, .urgent), (0, .urgent),
        ] as [(UInt64, OverviewBody.Notice.Urgency?)])
    func `a disk that is nearly full is told of`(
        _ free: UInt64, _ urgency: Notice.Urgency?
    ) throws {
        let found = try Self.notices([Self.replica(used: 100 - free, free: free)])
        #expect(found.first?.urgency == urgency && found.count == (urgency == nil ? 0 : 1))
        if let notice = found.first { #expect(notice.action == .collect) }
    }

    @Test(
        arguments: [(15, nil), (13, .warning), (2, .urgent), (-1, .urgent)]
            as [(Int, OverviewBody.Notice.Urgency?)])
    func `a certificate that expires is told of`(_ days: Int, _ urgency: Notice.Urgency?) throws {
        #expect(try Self.notices(days: days).first?.urgency == urgency)
        #expect(try Self.notices([Self.replica(days: days)]).first?.urgency == urgency)
    }

    @Test func `what is lost comes first, then what may be`() throws {
        let found = try Self.notices(
            [Self.replica(.maintenance), Self.replica(.down)], problem: "it is damaged",
            waiting: 7, unreadable: 2)
        #expect(
            found.map(\.urgency) == [.urgent, .urgent, .warning, .warning, .notice])
        #expect(found[0].text == "It is damaged.")
        #expect(
            found[1].text == "2 chunks have no good copy that can be read now, of 'a'.")
        #expect(found[2].text == "5 chunks have fewer good copies than files ask for.")
    }

    @Test func `what was not read back for long is told of`() throws {
        #expect(try Self.notices(oldest: 27).isEmpty)
        let old = try Self.notices(oldest: 30)
        #expect(old.map(\.text) == ["Some of replica r1 was not read back for 30 days."])
        #expect(old.first?.action == .verify)
        #expect(try Self.notices(oldest: nil, checked: 0, runs: .seconds(3_600)).isEmpty)
        let never = try Self.notices(oldest: nil, checked: 0)
        #expect(never.map(\.text) == ["Nothing of replica r1 was ever read back."])
    }
}
