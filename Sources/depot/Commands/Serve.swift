import ArgumentParser
import DepotCluster
import DepotCore
import DepotServer
import DepotWire
import Logging
import ServiceLifecycle

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the FileServer.",
        discussion: """
            Needs DEPOT_TOKEN or DEPOT_TOKEN_FILE, the administrator's token, and \
            DEPOT_CLUSTER_TOKEN or DEPOT_CLUSTER_TOKEN_FILE, which the replicas know. \
            `depot token FILE` makes one; `depot token create` makes tokens that may do less.
            """)

    @Option(help: "The folder of the catalog.") var data: String
    @Option(help: "Where to listen.") var listen = "127.0.0.1:7400"
    @Option(help: "A replica, as http://HOST:PORT or NAME=http://HOST:PORT; once for each.")
    var replica: [String] = []
    @Option(
        help: ArgumentHelp(
            "Append a line of JSON for each change to this file: who, what, and what came of it.",
            valueName: "file"))
    var audit: String?
    @OptionGroup(title: "Times") var timing: TimingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = log.logger("fileserver")
        Daemon.prepare(data, logger)
        let server = try await FileServerSetup(
            data: data, listen: try ListenAddress(listen),
            replicas: try replica.map(Self.parse(replica:)), token: try Secret.client.read(),
            clusterToken: try Secret.cluster.read(), timing: timing, audit: audit
        ).server(logger)
        let announcer = Announcer(logger: logger) {
            ["FileServer listens on port \(try await server.port())"]
        }
        try await Daemon.run([server, announcer], logger)
    }

    static func parse(replica text: String) throws(DepotError) -> ReplicaConfiguration {
        guard let equals = text.firstIndex(of: "=") else {
            return ReplicaConfiguration(url: try Endpoint(text).description)
        }
        let name = String(text[..<equals])
        guard !name.isEmpty else {
            throw DepotError(
                .invalidArgument, "a replica is http://HOST:PORT or NAME=http://HOST:PORT",
                object: text)
        }
        let url = try Endpoint(String(text[text.index(after: equals)...]))
        return ReplicaConfiguration(url: url.description, name: name)
    }
}
