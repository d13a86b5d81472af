import ArgumentParser
import DepotCore
import DepotStore
import DepotWire
import Glibc
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
        LogLevel.current = logLevel
        return Logger(label: label) { PrintableLog(label: $0) }
    }

    /// Reads the settings again when the process is told to.
    ///
    /// - Parameter command: as it is called.
    func watch(of command: String, _ logger: Logger) -> SettingsWatch {
        SettingsWatch(
            command: command,
            isLevelGiven: CommandLine.arguments.contains {
                $0 == "--log-level" || $0.hasPrefix("--log-level=")
            }, logger: logger)
    }
}

/// Runs services until one ends or the process is asked to stop.
enum Daemon {
    /// Before a daemon opens anything: as many descriptors as the system allows, and nothing for
    /// other users to read, whatever the umask it was started with, SQLite's files among it.
    static func prepare(_ folder: String, _ logger: Logger) {
        umask(0o077)
        DescriptorLimit.raise()
        DataFolder(path: folder).close(to: logger)
    }

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
    let logger: Logger
    let lines: @Sendable () async throws -> [String]

    func run() async throws {
        let lines = try await lines()
        do throws(DepotError) {
            for line in lines { try Output.announce(line) }
        } catch {
            // What it does matters more than what it says.
            logger.warning("nobody could be told", metadata: ["why": "\(error)"])
        }
    }
}

/// Closes the store after everything that uses it has stopped.
struct StoreService: Service {
    let store: SegmentStore

    func run() async throws {
        try? await gracefulShutdown()
        await store.close()
    }
}
