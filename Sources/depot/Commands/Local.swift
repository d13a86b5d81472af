import ArgumentParser
import DepotCore
import DepotReplica
import DepotServer
import DepotStore
import DepotWire
import FoundationEssentials
import Logging
import ServiceLifecycle

struct Local: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a FileServer and some replicas in one process, to try depot.",
        discussion:
            "All on one disk, so it protects against no disk's death. Tokens are made at the first start."
    )

    @Option(help: "The folder of everything.") var data = "./depot-data"
    @Option(help: "Where the FileServer listens.") var listen = "127.0.0.1:7400"
    @Option(help: "How many replicas.") var replicas = 3
    @OptionGroup(title: "Times") var timing: TimingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        guard (1...Limits.levelMax).contains(replicas) else {
            throw DepotError(
                .invalidArgument, "1 to \(Limits.levelMax) replicas, found \(replicas)")
        }
        let logger = log.logger("local")
        try makeFolder()
        let tokens = (cluster: "\(data)/cluster.token", client: "\(data)/client.token")
        try Token.make(tokens.cluster)
        try Token.make(tokens.client)
        let clusterToken = try Self.read(tokens.cluster)
        var services: [any Service] = []
        var configured: [ReplicaConfiguration] = []
        for number in 1...replicas {
            let (store, server, port) = try await replica(number, clusterToken, logger)
            services += [store, server]
            configured.append(
                ReplicaConfiguration(url: "http://127.0.0.1:\(port)", name: "replica\(number)"))
        }
        let server = try await FileServerSetup(
            data: "\(data)/fileserver", listen: try ListenAddress(listen), replicas: configured,
            token: try Self.read(tokens.client), clusterToken: clusterToken,
            timing: timing
        ).server(logger)
        let host = try ListenAddress(listen).host
        let tokenFile = tokens.client
        let announcer = Announcer {
            """
            export DEPOT_SERVER=http://\(host):\(try await server.port())
            export DEPOT_TOKEN_FILE=\(tokenFile)
            """
        }
        try await Daemon.run(services + [server, announcer], logger)
    }

    /// A replica's port is kept with its folder: to the FileServer, an address that changes is news.
    private func replica(
        _ number: Int, _ token: AccessToken, _ logger: Logger
    ) async throws -> (store: StoreService, server: ReplicaServer, port: Int) {
        var configuration = SegmentStoreConfiguration()
        configuration.name = "replica\(number)"
        let store = try await SegmentStore.open(
            at: "\(data)/replica\(number)", configuration: configuration, logger: logger)
        let port = try PortFile("\(data)/ports").port(number)
        let server = ReplicaServer(
            storage: store,
            configuration: ReplicaServerConfiguration(host: "127.0.0.1", port: port, token: token),
            logger: logger)
        return (StoreService(store: store), server, port)
    }

    private func makeFolder() throws(DepotError) {
        do {
            try FileManager.default.createDirectory(
                atPath: data, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw DepotError(
                .invalidArgument, "the folder cannot be made", object: data, cause: error)
        }
    }

    private static func read(_ path: String) throws(DepotError) -> AccessToken {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DepotError(.unauthorized, "the token's file cannot be read", object: path)
        }
        return try AccessToken(String(decoding: data.prefix { $0 > 0x20 }, as: UTF8.self))
    }
}
