import Logging

/// What every service of a FileServer needs and no service owns: its times, its clock, its log and
/// its counters.
package struct ServerContext: Sendable {
    package let timing: ServerTiming
    package let clock: ServerClock
    package let logger: Logger
    package let metrics: WorkMetrics

    package init(
        timing: ServerTiming, clock: ServerClock, logger: Logger, metrics: WorkMetrics = .uncounted
    ) {
        self.timing = timing
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
    }
}
