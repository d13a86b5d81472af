import ArgumentParser
import DepotCertificates
import DepotCore
import DepotWire

struct TLS: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls", abstract: "Make certificates.",
        discussion: """
            EXAMPLES:
              depot tls init certificates --fileserver depot.example --replica r1@10.0.0.11
            """, subcommands: [TLSInit.self])
}

struct TLSInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a CA and the certificates of a deployment, or those that are missing.",
        discussion: """
            What is there is kept: the same command with one more --replica adds its certificate, by \
            the same CA. A replica's UUID stands in its certificate, and its folder takes it at the \
            first start; give the UUID of one that has a folder already, as `depot status --json` \
            tells it. Keep ca-key.pem away from the daemons: whoever has it can make certificates.

            EXAMPLES:
              depot tls init certificates --fileserver depot.example,10.0.0.10 \\
                  --replica r1@10.0.0.11 --replica r2@10.0.0.12 --replica r3@10.0.0.13
              depot tls init certificates --fileserver depot.example --replica r1@10.0.0.11 --renew
            """)

    @Argument(help: "The folder of the certificates.", completion: .directory) var folder: String
    @Option(help: ArgumentHelp("Where clients find the FileServer.", valueName: "host,…"))
    var fileserver: String?
    @Option(
        help: ArgumentHelp(
            "A replica, by name, and where the FileServer finds it if that is not its name; once "
                + "for each.", valueName: "name[=uuid][@host,…]"))
    var replica: [String] = []
    @Option(help: "How long certificates are valid, in days; the CA is for ten years.")
    var days = CertificateFolder.daysDefault
    @Flag(help: "Make certificates anew that are there: those named here, or all. Not the CA.")
    var renew = false
    @OptionGroup var output: OutputOptions

    private struct Body: Encodable {
        struct Made: Encodable {
            let name: String
            let isNew: Bool
            let replica: ReplicaID?
            let hosts: [String]
            let certificateDaysLeft: Int
            let certificate: String
            let key: String
        }
        let ca: String
        let certificates: [Made]
    }

    func run() throws {
        var owners = try replica.map(Self.owner)
        if let fileserver { owners.insert(.fileServer(at: try Self.hosts(fileserver)), at: 0) }
        guard !owners.isEmpty || renew else {
            throw DepotError(
                .invalidArgument,
                "whose certificates? Give --fileserver HOST and --replica NAME, or --renew")
        }
        let now = TLSKeeper.wallClock()
        let made = CertificateFolder(folder)
        let outcomes = try made.make(owners, days: days, renews: renew, at: now)
        if output.json {
            Output.json(
                Body(
                    ca: made.authorityFile,
                    certificates: outcomes.map { outcome in
                        Body.Made(
                            name: outcome.name, isNew: outcome.isNew,
                            replica: outcome.certificate.role?.replica,
                            hosts: outcome.certificate.hosts.map(\.description),
                            certificateDaysLeft: outcome.certificate.daysLeft(at: now),
                            certificate: made.file(outcome.name), key: made.keyFile(outcome.name))
                    }))
        } else if !output.quiet {
            show(outcomes, made, at: now)
        }
    }

    private func show(
        _ outcomes: [CertificateFolder.Outcome], _ made: CertificateFolder, at now: Int64
    ) {
        for outcome in outcomes {
            let certificate = outcome.certificate
            let id = certificate.role?.replica.map { ", \($0)" } ?? ""
            Output.line(
                "\(outcome.name)  \(outcome.isNew ? "made" : "kept")\(id); "
                    + "\(Output.plural(certificate.daysLeft(at: now), "day")); for "
                    + certificate.hosts.map(\.description).joined(separator: ", "))
        }
        Output.line("")
        let replicas = outcomes.filter { $0.certificate.role?.replica != nil }
        for outcome in outcomes {
            let isReplica = outcome.certificate.role?.replica != nil
            Output.line(
                "depot \(isReplica ? "replica" : "serve") … --tls-certificate "
                    + "\(ShellWord.quoted(made.file(outcome.name))) --tls-key "
                    + "\(ShellWord.quoted(made.keyFile(outcome.name))) --tls-ca "
                    + ShellWord.quoted(made.authorityFile)
                    + (isReplica ? "" : replicas.map { " \(Self.option(for: $0))" }.joined()))
        }
        guard let server = outcomes.first(where: { $0.certificate.role == .fileServer }) else {
            return
        }
        let host = server.certificate.hosts.first?.description ?? "localhost"
        let url = Endpoint(host: host, port: 7400, isSecure: true)
        Output.line("export DEPOT_SERVER=\(ShellWord.quoted(url.description))")
        Output.line("export DEPOT_CA_FILE=\(ShellWord.quoted(made.authorityFile))")
    }

    /// How the FileServer is told of a replica.
    private static func option(for replica: CertificateFolder.Outcome) -> String {
        let host = replica.certificate.hosts.first?.description ?? replica.name
        let url = Endpoint(host: host, port: 7401, isSecure: true)
        return "--replica \(ShellWord.quoted("\(replica.name)=\(url)"))"
    }

    /// - Parameter text: `NAME[=UUID][@HOST,…]`.
    private static func owner(_ text: String) throws(DepotError) -> CertificateOwner {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let named = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        var id: ReplicaID?
        if named.count == 2 {
            guard let given = ReplicaID(named[1]) else {
                throw DepotError(
                    .invalidArgument, "a replica is NAME[=UUID][@HOST,…], and this is no UUID",
                    object: String(named[1]))
            }
            id = given
        }
        return try .replica(
            String(named[0]), id: id, at: parts.count == 2 ? try hosts(String(parts[1])) : [])
    }

    private static func hosts(_ text: String) throws(DepotError) -> [CertificateHost] {
        var hosts: [CertificateHost] = []
        for host in text.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try CertificateHost(String(host)))
        }
        return hosts
    }
}
