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

            EXAMPLES:
              depot serve --data /srv/depot --listen 10.0.0.10:7400 \\
                  --replica r1=http://10.0.0.11:7401 --replica r2=http://10.0.0.12:7401 \\
                  --replica r3=http://10.0.0.13:7401 --audit /var/log/depot/audit.jsonl
            """)

    @Option(help: "The folder of the catalog.", completion: .directory) var data: String
    @Option(help: "Where to listen.") var listen = "127.0.0.1:7400"
    @Option(
        help: "A replica, as [NAME=]https://HOST:PORT or [NAME=]http://HOST:PORT; once for each.")
    var replica: [String] = []
    @Option(
        help: ArgumentHelp(
            "Append a line of JSON for each change to this file: who, what, and what came of it.",
            valueName: "file"), completion: .file())
    var audit: String?
    @Flag(
        help: "Let administrators break locks (depot lock --break). Else no token can."
    )
    var breakLocks = false
    @OptionGroup(title: "TLS") var tls: TLSOptions
    @Flag(help: "Listen without TLS on addresses that others can reach.")
    var insecurePlainHttp = false
    @OptionGroup(title: "Times") var timing: TimingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = log.logger("fileserver")
        Daemon.prepare(data, logger)
        let address = try ListenAddress(listen)
        let replicas = try replica.map(Self.parse(replica:))
        let keeper = try tls.fileServer(asking: replicas.map { try Endpoint($0.url) })
        if keeper == nil {
            try Exposure.check(address, isMeant: insecurePlainHttp, logger)
        }
        let server = try await FileServerSetup(
            data: data, listen: address, replicas: replicas, token: try Secret.client.read(),
            clusterToken: try Secret.cluster.read(), tls: keeper, timing: timing, audit: audit,
            breaksLocks: breakLocks
        ).server(logger)
        let announcer = Announcer(logger: logger) {
            ["FileServer listens on port \(try await server.port())"]
        }
        let services =
            TLSWatch.services(keeper, logger)
            + [log.watch(of: "serve", logger), server, announcer]
        try await Daemon.run(services, logger)
    }

    static func parse(replica text: String) throws(DepotError) -> ReplicaConfiguration {
        guard let equals = text.firstIndex(of: "=") else {
            return ReplicaConfiguration(url: try Endpoint(text).description)
        }
        let name = String(text[..<equals])
        guard !name.isEmpty else {
            throw DepotError(
                .invalidArgument,
                "a replica is [NAME=]https://HOST:PORT or [NAME=]http://HOST:PORT",
                object: text)
        }
        let url = try Endpoint(String(text[text.index(after: equals)...]))
        return ReplicaConfiguration(url: url.description, name: name)
    }
}
