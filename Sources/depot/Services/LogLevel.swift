import Logging
import Synchronization

/// How much this process logs. It can change while it runs.
enum LogLevel {
    private static let level = Mutex(Logger.Level.notice)

    static var current: Logger.Level {
        get { level.withLock { $0 } }
        set { level.withLock { $0 = newValue } }
    }
}
