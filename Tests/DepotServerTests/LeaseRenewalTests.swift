import DepotCore
import Synchronization
import Testing

@testable import DepotCluster
@testable import DepotServer

/// A producer was quiet, or a reader stopped, for longer than a lease of the FileServer's own: the PUT ended with 410, the GET
/// was cut off.
@Suite(.timeLimit(.minutes(1))) struct LeaseRenewalTests {
    private struct Failed: Error {}

    @Test(arguments: [false, true])
    func `a lease is renewed while work goes on under it, and not longer`(fails: Bool) async throws
    {
        let renewals = Mutex(0)
        let waits = Mutex<[Duration]>([])
        let clock = ServerClock(
            elapsed: { .zero },
            sleep: { duration in
                waits.withLock { $0.append(duration) }
                try Task.checkCancellation()
            }, timestamp: { 0 })
        let lease = LeaseRenewal(clock: clock, lease: .seconds(60)) { () async throws(DepotError) in
            let count = renewals.withLock { count in
                count += 1
                return count
            }
            // One that fails is followed by the next.
            if count == 1 { throw DepotError(.busy, "as ordered") }
            await Task.yield()
        }
        do {
            let result = try await lease.whileRunning {
                while renewals.withLock({ $0 < 4 }) { await Task.yield() }
                if fails { throw Failed() }
                return 7
            }
            #expect(result == 7 && !fails)
        } catch is Failed {
            #expect(fails)
        }
        #expect(waits.withLock { $0 }.allSatisfy { $0 == .seconds(20) })
        // It ends with the work, or with the renewal that is under way then.
        var before = -1
        while renewals.withLock({ $0 }) != before {
            before = renewals.withLock { $0 }
            for _ in 0..<1_000 { await Task.yield() }
        }
    }
}
