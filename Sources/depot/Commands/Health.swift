import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a daemon whether it is well. For health checks: needs no token.",
        discussion: """
            EXAMPLES:
              depot health http://127.0.0.1:7400
              depot health https://10.0.0.11:7401 --ca ca.pem
            """)

    @Argument(help: "https://HOST:PORT or http://HOST:PORT of a FileServer or a replica.") var url:
        String
    @Option(
        help: ArgumentHelp(
            "The CA by which it is known, as PEM; DEPOT_CA_FILE, or the system's, otherwise.",
            valueName: "file"), completion: .file())
    var ca: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var configuration = TransportConfiguration()
        configuration.connectTimeout = .seconds(3)
        configuration.patience = .seconds(4)
        configuration.trust = try ClientTrust.read(ca)
        let transport = ChunkTransport(
            endpoint: try Endpoint(url), token: nil, configuration: configuration)
        let health = try await FileServerClient(transport: transport, patience: .zero).health()
        if output.json {
            Output.json(health)
        } else if !output.quiet {
            Output.line(health.status.rawValue)
        }
        guard health.status == .ok else {
            throw DepotError(
                .storeFailed, "it is up, but cannot do its work; see its log", object: url)
        }
    }
}
