import DepotSQLiteCatalog
import DepotServer
import Synchronization

/// Time that passes as always, and jumps where a test says so.
final class TestClock: Sendable {
    private let jumps = Mutex(Duration.zero)
    /// Seconds by which the wall clock is wrong.
    private let error = Mutex<Int64>(0)

    /// Running time goes on by so much at once. Waits that are under way are not shortened.
    func advance(by duration: Duration) { jumps.withLock { $0 += duration } }

    /// Somebody sets the wall clock.
    func setWall(ahead days: Int64) { error.withLock { $0 = days * 86_400 } }

    private func elapsed(_ system: @Sendable () -> Duration) -> Duration {
        system() + jumps.withLock { $0 }
    }

    var forServer: ServerClock {
        let system = ServerClock.system
        return ServerClock(
            elapsed: { [self] in elapsed(system.elapsed) }, sleep: system.sleep,
            timestamp: { [self] in system.timestamp() + error.withLock { $0 } })
    }

    var forCatalog: CatalogClock {
        let system = ServerClock.system
        return CatalogClock { [self] in elapsed(system.elapsed) }
    }
}
