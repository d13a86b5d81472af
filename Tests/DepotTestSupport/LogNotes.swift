import Logging
import Synchronization

/// Keeps what is logged, for a test to look at.
public final class LogNotes: Sendable {
    private let notes = Mutex<[String]>([])

    public init() {}

    public var messages: [String] { notes.withLock { $0 } }

    public var logger: Logger { Logger(label: "test") { _ in Handler(notes: self) } }

    private struct Handler: LogHandler {
        let notes: LogNotes
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            notes.notes.withLock { $0.append("\(event.message)") }
        }
    }
}
