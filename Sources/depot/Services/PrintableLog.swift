import DepotCore
import DepotWire
import Logging

/// Writes a log in which each event is one line, whatever names, paths and answers stand in it.
struct PrintableLog: LogHandler {
    private var stream: StreamLogHandler

    init(label: String) {
        stream = .standardError(
            label: label,
            metadataProvider: Logger.MetadataProvider {
                TraceID.current.map { [TraceID.logKey: "\($0)"] } ?? [:]
            })
    }

    /// The same for all of the process.
    var logLevel: Logger.Level {
        get { LogLevel.current }
        set { LogLevel.current = newValue }
    }

    var metadata: Logger.Metadata {
        get { stream.metadata }
        set { stream.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { stream.metadataProvider }
        set { stream.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { stream[metadataKey: key] }
        set { stream[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(event.message.description.printable)"
        event.metadata = event.metadata?.mapValues { "\($0.description.printable)" }
        stream.log(event: event)
    }
}
