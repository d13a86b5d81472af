import ArgumentParser
import DepotCore
import DepotReplica
import DepotStore
import DepotWire
import Logging
import ServiceLifecycle

struct Replica: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a StorageReplica.",
        discussion: """
            Needs DEPOT_CLUSTER_TOKEN or DEPOT_CLUSTER_TOKEN_FILE, the same as the FileServer's. \
            Its identity is in its folder: the address may change. With TLS a new folder takes it from \
            the certificate, and only the FileServer is served, but for `depot health` and metrics.

            EXAMPLES:
              depot replica --data /srv/r1 --listen 10.0.0.11:7401 --name r1 --zone rack-a
              depot replica --data /srv/r1 --capacity 2TB
            """)

    @Option(help: "The folder of its chunks: a disk of its own.", completion: .directory)
    var data: String
    @Option(help: "Where to listen.") var listen = "127.0.0.1:7401"
    @Option(help: "What people call it.") var name: String?
    @Option(help: "Where it stands: copies go to different zones first.") var zone: String?
    @Option(help: "How much it may hold, as 500GiB or 2TB; the disk's size otherwise.")
    var capacity: String?
    @Option(
        help: ArgumentHelp(
            "A file with a token that opens GET /metrics and nothing else, for monitoring.",
            valueName: "file"))
    var metricsTokenFile: String?
    @OptionGroup(title: "TLS") var tls: TLSOptions
    @Flag(help: "Listen without TLS on addresses that others can reach.")
    var insecurePlainHttp = false
    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = log.logger(name ?? "replica")
        Daemon.prepare(data, logger)
        var configuration = SegmentStoreConfiguration()
        configuration.name = name
        configuration.zone = zone
        configuration.capacity = try parseCapacity()
        let address = try ListenAddress(listen)
        let token = try Secret.cluster.read()
        let certified = try tls.replica()
        if certified == nil {
            try Exposure.check(address, isMeant: insecurePlainHttp, logger)
        }
        configuration.identity = certified?.id
        let store = try await SegmentStore.open(
            at: data, configuration: configuration, logger: logger)
        var settings = ReplicaServerConfiguration(
            host: address.host, port: address.port, token: token)
        settings.tls = certified.map { ServerTLS($0.keeper, callers: .fileServer) }
        settings.version = BuildVersion.number
        settings.metricsToken = try metricsToken(besides: token)
        let server = ReplicaServer(storage: store, configuration: settings, logger: logger)
        let announcer = Announcer(logger: logger) {
            ["replica listens on port \(try await server.port())"]
        }
        // Services stop in reverse: the store is closed when nobody asks it any more.
        let services = TLSWatch.services(certified?.keeper, logger)
        try await Daemon.run(
            services + [
                log.watch(of: "replica", logger), StoreService(store: store), server, announcer,
            ], logger)
    }

    private func metricsToken(besides token: AccessToken) throws(DepotError) -> AccessToken? {
        guard let metricsTokenFile else { return nil }
        let metricsToken = try Secret.read(file: metricsTokenFile)
        guard metricsToken.digest != token.digest else {
            throw DepotError(
                .invalidArgument,
                "it is the cluster's token, with which whoever watches could delete everything; "
                    + "make another one: depot token FILE", object: metricsTokenFile)
        }
        return metricsToken
    }

    private func parseCapacity() throws(DepotError) -> ByteCount? {
        guard let capacity else { return nil }
        guard let bytes = ByteCount(parsing: capacity) else {
            throw DepotError(
                .invalidArgument, "not a size: give a number with a unit, as 500GiB",
                object: capacity)
        }
        return bytes
    }
}
