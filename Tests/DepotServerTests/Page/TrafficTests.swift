import DepotCluster
import DepotCore
import Testing

@testable import DepotServer

/// The last hour, in slots of ten seconds.
@Suite struct TrafficTests {
    private static func request(
        _ milliseconds: Int, status: Int = 200, route: Route = .list
    ) -> AnsweredRequest {
        AnsweredRequest(
            route: route, status: status, duration: .milliseconds(milliseconds), received: 100,
            sent: 1_000, isCutOff: false)
    }

    @Test func `requests count in the slot in which they ended`() {
        let clock = TestClock(
            over: ServerClock(elapsed: { .zero }, sleep: { _ in }, timestamp: { 0 }))
        let ring = TrafficRing(elapsed: clock.forServer.elapsed)
        for _ in 0..<98 { ring.note(Self.request(3)) }
        ring.note(Self.request(900, status: 500))
        ring.note(Self.request(900))
        ring.note(Self.request(100_000, route: .events))
        clock.advance(by: .seconds(20))
        let body = ring.body()
        let slot = TrafficRing.slotCount - 3
        #expect(body.requests[slot] == 100 && body.failures[slot] == 1)
        #expect(body.received[slot] == 10_000 && body.sent[slot] == 100_000)
        #expect(body.medians[slot] == 3 && body.slowest[slot] == 1_024)
        #expect(body.requests.reduce(0, +) == 100 && body.medians[slot + 1] == nil)
    }

    @Test(arguments: [3_590, 3_600, 7_200, 10_000_000])
    func `what is older than an hour is forgotten`(_ seconds: Int) {
        let clock = TestClock(
            over: ServerClock(elapsed: { .zero }, sleep: { _ in }, timestamp: { 0 }))
        let ring = TrafficRing(elapsed: clock.forServer.elapsed)
        ring.note(Self.request(3))
        clock.advance(by: .seconds(seconds))
        #expect(ring.body().requests.reduce(0, +) == (seconds < 3_600 ? 1 : 0))
    }
}
