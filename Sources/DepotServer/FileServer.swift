import DepotCore
import DepotWire
import Logging
import ServiceLifecycle

/// The FileServer: where clients knock. It keeps nothing but its catalog, which is handed in as the links to the
/// replicas are, so that this target knows neither disk nor SQL nor the HTTP client.
public final class FileServer: Service {
    /// Makes the link to a replica. It carries the cluster's id and epoch in each of its requests.
    public typealias Links =
        @Sendable (ReplicaConfiguration, ClusterIdentity) throws(DepotError) -> any ReplicaLink

    private let configuration: FileServerConfiguration
    private let catalog: any Catalog
    private let links: Links
    private let clock: ServerClock
    private let logger: Logger
    private let listening = Decision<Result<Int, DepotError>>()

    public init(
        configuration: FileServerConfiguration, catalog: any Catalog, links: @escaping Links,
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
            listening.decide(.failure(DepotError(wrapping: error)))
            throw error
        }
        listening.decide(.failure(DepotError(.unreachable, "the server was stopped")))
    }

    private func serve(_ parts: FileServerParts) async throws {
        let door = FrontDoor(parts: parts, configuration: configuration, logger: logger)
        let listening = listening
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Background work goes on while the last requests end: they may need it.
            group.addTask { await parts.work() }
            group.addTask { try await door.open { listening.decide(.success($0)) } }
            defer { group.cancelAll() }
            while let result = await group.nextResult() {
                try result.get()
                group.cancelAll()
            }
        }
    }
}

extension DepotError {
    /// What is not one of ours is a mistake of ours.
    init(wrapping error: any Error) {
        self =
            switch error {
            case let error as DepotError: error
            case is CancellationError:
                DepotError(.unreachable, "given up: the server is stopping, or the request is over")
            default: DepotError(.internalError, "\(error)", cause: error)
            }
    }
}
