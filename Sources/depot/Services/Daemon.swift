import ArgumentParser
import DepotCore
import DepotStore
import Logging
import ServiceLifecycle

struct LogOptions: ParsableArguments {
    @Option(
        help: "How much to log: debug, info, notice, warning or error.",
        transform: Self.parse)
    var logLevel = Logger.Level.notice

    private static func parse(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("'\(text)' is none of the levels")
        }
        return level
    }

    /// Writes to standard error.
    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        return logger
    }
}

/// Runs services until one ends or the process is asked to stop.
enum Daemon {
    static func run(_ services: [any Service], _ logger: Logger) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { service in
                    // What has said its word is done; everything else that ends has failed.
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: service,
                        successTerminationBehavior: service is Announcer
                            ? .ignore : .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

/// Says on standard output, once it is true, that a daemon is ready.
struct Announcer: Service {
    let words: @Sendable () async throws -> String

    func run() async throws { Output.line(try await words()) }
}

/// Closes the store after everything that uses it has stopped.
struct StoreService: Service {
    let store: SegmentStore

    func run() async throws {
        try? await gracefulShutdown()
        await store.close()
    }
}
