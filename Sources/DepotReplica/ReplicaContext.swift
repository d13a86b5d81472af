import DepotCore
import DepotWire
import Logging
import NIOCore

/// What all connections of a replica share.
struct ReplicaContext: Sendable {
    let storage: any ChunkStorage
    let configuration: ReplicaServerConfiguration
    let budget: ByteBudget
    let connections: ConnectionRegistry
    let farewell = Farewell()
    let logger: Logger

    init(
        storage: any ChunkStorage, configuration: ReplicaServerConfiguration, logger: Logger
    ) {
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
        budget = ByteBudget(size: configuration.memory)
        connections = ConnectionRegistry(countMax: configuration.connectionsMax)
    }

    var idleLimit: TimeAmount {
        .nanoseconds(
            configuration.idleLimit.components.seconds * 1_000_000_000
                + configuration.idleLimit.components.attoseconds / 1_000_000_000)
    }
}
