import DepotCluster
import DepotSQLiteCatalog
import DepotServer
import Synchronization

/// Time that passes as always, and jumps where a test says so.
final class TestClock: Sendable {
    private let jumps = Mutex(Duration.zero)
    /// Seconds by which the wall clock is wrong.
    private let error = Mutex<Int64>(0)
    /// What passes as always: the machine's time, or one that a test alone moves on.
    private let base: ServerClock

    init(over base: ServerClock = .system) { self.base = base }

    /// Running time goes on by so much at once. Waits that are under way are not shortened.
    func advance(by duration: Duration) { jumps.withLock { $0 += duration } }

    /// Somebody sets the wall clock.
    func setWall(ahead days: Int64) { error.withLock { $0 = days * 86_400 } }

    private func elapsed(_ system: @Sendable () -> Duration) -> Duration {
        system() + jumps.withLock { $0 }
    }

    var forServer: ServerClock {
        ServerClock(
            elapsed: { [self] in elapsed(base.elapsed) }, sleep: base.sleep,
            timestamp: { [self] in base.timestamp() + error.withLock { $0 } })
    }

    var forCatalog: CatalogClock {
        CatalogClock { [self] in elapsed(base.elapsed) }
    }
}
