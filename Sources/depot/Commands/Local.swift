import ArgumentParser
import DepotClient
import DepotCluster
import DepotCore
import DepotReplica
import DepotServer
import DepotStore
import DepotWire
import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle

import struct SystemPackage.FilePath

struct Local: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a FileServer and some replicas in one process, to try depot.",
        discussion: """
            All on one disk, so it protects against no disk's death. Tokens are made at the first \
            start.

            EXAMPLES:
              depot local --data ./depot-data
              depot local --data ./depot-data --replicas 5 --listen 127.0.0.1:7400
            """)

    @Option(help: "The folder of everything.", completion: .directory) var data = "./depot-data"
    @Option(help: "Where the FileServer listens.") var listen = "127.0.0.1:7400"
    @Option(help: "How many replicas.") var replicas = 3
    @Flag(help: "Listen without TLS on addresses that others can reach.")
    var insecurePlainHttp = false
    @OptionGroup(title: "Times") var timing: TimingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        guard (1...Limits.levelMax).contains(replicas) else {
            throw DepotError(
                .invalidArgument, "1 to \(Limits.levelMax) replicas, found \(replicas)")
        }
        let logger = log.logger("local")
        let address = try ListenAddress(listen)
        try Exposure.check(address, isMeant: insecurePlainHttp, logger)
        try Self.makeFolder(FilePath(data))
        Daemon.prepare(data, logger)
        let tokens = (cluster: "\(data)/cluster.token", client: "\(data)/client.token")
        try RandomToken.make(tokens.cluster)
        try RandomToken.make(tokens.client)
        let clusterToken = try Secret.read(file: tokens.cluster)
        var services: [any Service] = []
        var configured: [ReplicaConfiguration] = []
        for number in 1...replicas {
            let (store, server, port) = try await replica(number, token: clusterToken, logger)
            services += [store, server]
            configured.append(
                ReplicaConfiguration(url: "http://127.0.0.1:\(port)", name: "replica\(number)"))
        }
        let server = try await FileServerSetup(
            data: "\(data)/fileserver", listen: address, replicas: configured,
            token: try Secret.read(file: tokens.client), clusterToken: clusterToken,
            timing: timing
        ).server(logger)
        let tokenFile = try Self.absolute(tokens.client)
        let announcer = Announcer(logger: logger) {
            let endpoint = Endpoint(host: address.reachable, port: try await server.port())
            return [
                "export DEPOT_SERVER=\(ShellWord.quoted(endpoint.description))",
                "export DEPOT_TOKEN_FILE=\(ShellWord.quoted(tokenFile))",
            ]
        }
        try await Daemon.run(services + [server, announcer], logger)
    }

    /// A replica's port is kept with its folder: to the FileServer, an address that changes is
    /// news.
    private func replica(
        _ number: Int, token: AccessToken, _ logger: Logger
    ) async throws -> (store: StoreService, server: ReplicaServer, port: Int) {
        var configuration = SegmentStoreConfiguration()
        configuration.name = "replica\(number)"
        let store = try await SegmentStore.open(
            at: "\(data)/replica\(number)", configuration: configuration, logger: logger)
        let port = try PortFile("\(data)/ports").port(number)
        var settings = ReplicaServerConfiguration(host: "127.0.0.1", port: port, token: token)
        settings.announcesStop = false
        settings.version = BuildVersion.number
        let server = ReplicaServer(storage: store, configuration: settings, logger: logger)
        return (StoreService(store: store), server, port)
    }

    /// With what it lies in.
    private static func makeFolder(_ path: FilePath) throws(DepotError) {
        if mkdir(path.string, 0o700) == 0 { return }
        if errno == ENOENT, path != path.folder {
            try makeFolder(path.folder)
            if mkdir(path.string, 0o700) == 0 { return }
        }
        guard errno == EEXIST else { throw .file("the folder cannot be made", path.string) }
        guard try FileStatus(following: path.string).isFolder else {
            throw .file("the folder cannot be made", path.string, errno: ENOTDIR)
        }
    }

    /// The same from every folder, with all links followed.
    private static func absolute(_ path: String) throws(DepotError) -> String {
        guard let resolved = realpath(path, nil) else { throw .file("cannot be found", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
