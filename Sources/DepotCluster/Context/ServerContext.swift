import Logging

/// What every service of a FileServer needs and no service owns: its times, its clock and its log.
package struct ServerContext: Sendable {
    package let timing: ServerTiming
    package let clock: ServerClock
    package let logger: Logger

    package init(timing: ServerTiming, clock: ServerClock, logger: Logger) {
        self.timing = timing
        self.clock = clock
        self.logger = logger
    }
}
