import DepotCore
import FoundationEssentials

/// Time since some fixed moment, by a clock that never jumps. Injected by tests.
public struct CatalogClock: Sendable {
    let elapsed: @Sendable () -> Duration
    /// Seconds since 1970, which somebody may set. A lock is joined to it once.
    let calendar: @Sendable () -> Int64

    public init(
        elapsed: @escaping @Sendable () -> Duration,
        calendar: @escaping @Sendable () -> Int64 = Self.systemCalendar
    ) {
        self.elapsed = elapsed
        self.calendar = calendar
    }

    public static let systemCalendar: @Sendable () -> Int64 = {
        FileRecord.clampedTime(Int64(Date().timeIntervalSince1970))
    }

    /// Runs while the machine sleeps, and is not set by anybody (`CLOCK_BOOTTIME` on Linux).
    public static var system: CatalogClock {
        let start = ContinuousClock.now
        return CatalogClock(elapsed: { ContinuousClock.now - start })
    }
}

/// The catalog's running time in milliseconds: what was written down when it was last open, and
/// what has passed since it was opened. Downtime does not count.
struct RunningTime: Sendable {
    let base: Int64
    let openedAt: Duration
    let clock: CatalogClock

    init(base: Int64, clock: CatalogClock) {
        self.base = base
        self.clock = clock
        openedAt = clock.elapsed()
    }

    var calendar: Int64 { clock.calendar() }

    var now: Int64 { base + max(0, (clock.elapsed() - openedAt).milliseconds) }
}

extension Duration {
    /// Rounded down, and held within what a sum of two of them can bear.
    var milliseconds: Int64 {
        let seconds = min(max(components.seconds, -1 << 50), 1 << 50)
        return seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
