import ArgumentParser
import DepotCertificates
import DepotCore
import DepotWire

/// What a daemon shows of itself, and by whom it recognises others.
struct TLSOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's certificate, as PEM; `depot tls init` makes one. It comes with --tls-key "
                + "and --tls-ca.", valueName: "file"), completion: .file())
    var tlsCertificate: String?
    @Option(
        help: ArgumentHelp("The certificate's key, as PEM.", valueName: "file"),
        completion: .file())
    var tlsKey: String?
    @Option(
        help: ArgumentHelp(
            "The CA of the deployment, by which FileServer and replicas recognise each other.",
            valueName: "file"), completion: .file())
    var tlsCa: String?

    /// - Throws: `invalidArgument` for some of the three without the others.
    private var files: TLSFiles? {
        get throws(DepotError) {
            switch (tlsCertificate, tlsKey, tlsCa) {
            case (nil, nil, nil): return nil
            case (let certificate?, let key?, let authority?):
                return TLSFiles(certificate: certificate, key: key, authority: authority)
            default:
                throw DepotError(
                    .invalidArgument,
                    "--tls-certificate, --tls-key and --tls-ca are given together, or none of them")
            }
        }
    }

    /// The FileServer's, whose callers show tokens.
    ///
    /// - Parameter replicas: where a certificate of the FileServer's is wanted.
    /// - Throws: what is wrong with which file.
    func fileServer(
        asking replicas: [Endpoint]
    ) throws(DepotError) -> TLSKeeper? {
        let secured = replicas.first(where: \.isSecure)
        guard let files = try files else {
            guard let secured else { return nil }
            throw DepotError(
                .invalidArgument,
                "a replica with TLS wants the FileServer's certificate: give --tls-certificate, "
                    + "--tls-key and --tls-ca", object: secured.description)
        }
        let keeper = try TLSKeeper(files, asksCallers: false)
        guard secured == nil || keeper.certificate.role == .fileServer else {
            throw DepotError(
                .invalidArgument,
                "this certificate is not the FileServer's, and replicas would refuse it: it has no "
                    + "URI \(CertificateRole.fileServer.uri)", object: files.certificate)
        }
        return keeper
    }

    /// A replica's, whose identity is in it.
    func replica() throws(DepotError) -> (keeper: TLSKeeper, id: ReplicaID)? {
        guard let files = try files else { return nil }
        let keeper = try TLSKeeper(files, asksCallers: true)
        guard let id = keeper.certificate.role?.replica else {
            throw DepotError(
                .invalidArgument,
                "this certificate is not a replica's: it has no URI urn:depot:replica:UUID",
                object: files.certificate)
        }
        return (keeper, id)
    }
}

/// Whom a client believes to be the FileServer.
struct ClientTrust {
    /// - Parameter file: what the command line says; `DEPOT_CA_FILE` otherwise, and without either
    ///   whom this machine trusts.
    static func read(_ file: String?) throws(DepotError) -> TransportTrust {
        let known = if let file { file } else { try CommandWords.environment("DEPOT_CA_FILE") }
        guard let known, !known.isEmpty else { return .system }
        return .authorities(try TLSMaterial.anchors(in: known))
    }
}
