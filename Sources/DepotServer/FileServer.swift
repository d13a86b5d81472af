import DepotCluster
import DepotCore
import DepotWire
import Logging
import ServiceLifecycle

/// The FileServer: where clients knock. It keeps nothing but its catalog, which is handed in as the
/// links to the replicas are, so that this target knows neither disk nor SQL nor the HTTP client.
public final class FileServer: Service {
    private let configuration: FileServerConfiguration
    private let catalog: any Catalog
    private let links: ReplicaLinks
    private let clock: ServerClock
    private let logger: Logger
    private let listening = OneShot<Result<Int, DepotError>>()

    public init(
        configuration: FileServerConfiguration, catalog: any Catalog, links: @escaping ReplicaLinks,
        logger: Logger, clock: ServerClock = .system
    ) {
        self.configuration = configuration
        self.catalog = catalog
        self.links = links
        self.logger = logger
        self.clock = clock
    }

    /// Waits until connections are accepted.
    ///
    /// - Returns: the port.
    /// - Throws: why the server ended before it listened.
    public func port() async throws(DepotError) -> Int { try await listening.value().get() }

    /// Serves until the task is cancelled or shut down gracefully: then requests under way may take
    /// `shutdownGrace` to end. Replicas that do not answer hold up nothing.
    public func run() async throws {
        do {
            let services = try await FileServerParts(
                configuration: configuration, catalog: catalog, links: links, clock: clock,
                logger: logger)
            try await serve(services)
        } catch {
            let failure = DepotError(wrapping: error)
            listening.decide(.failure(failure))
            throw failure
        }
        listening.decide(.failure(DepotError(.unreachable, "the server was stopped")))
    }

    private func serve(_ parts: FileServerParts) async throws {
        let http = HTTPFrontEnd(parts: parts, configuration: configuration, logger: logger)
        let listening = listening
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Background work goes on while the last requests end: they may need it.
            group.addTask { await parts.work() }
            group.addTask { [configuration] in
                do {
                    try await http.open { listening.decide(.success($0)) }
                } catch  where listening.current == nil {
                    throw DepotError.cannotListen(
                        host: configuration.host, port: configuration.port, because: error)
                }
            }
            defer { group.cancelAll() }
            while let result = await group.nextResult() {
                try result.get()
                group.cancelAll()
            }
        }
    }
}
