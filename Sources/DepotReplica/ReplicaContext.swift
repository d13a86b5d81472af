import DepotCore
import DepotWire
import Logging

/// The parts of a replica that all its connections share.
struct ReplicaContext: Sendable {
    let storage: MeasuredStorage
    let metrics: ReplicaMetrics
    let configuration: ReplicaServerConfiguration
    let budget: ByteBudget
    let policy: RequestPolicy
    let shutdownNotice = ShutdownNotice()
    let logger: Logger

    init(
        storage: any ChunkStorage, configuration: ReplicaServerConfiguration, logger: Logger
    ) {
        let storage = MeasuredStorage(
            storage, countingIn: configuration.metrics, clock: TLSKeeper.wallClock)
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
        budget = ByteBudget(size: configuration.memory)
        policy = RequestPolicy(
            door: configuration.token, watcher: configuration.metricsToken,
            variable: "DEPOT_CLUSTER_TOKEN",
            times: RequestPolicy.Times(idle: configuration.idleLimit),
            places: ConnectionRegistry(
                countMax: DescriptorLimit.connections(atMost: configuration.connectionsMax)),
            tls: configuration.tls)
        metrics = ReplicaMetrics(configuration, storage: storage, budget: budget, policy: policy)
    }
}
