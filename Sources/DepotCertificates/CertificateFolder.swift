import DepotCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A daemon that is to have a certificate, as an operator names it.
public struct CertificateOwner: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case fileServer
        /// With the UUID that it has or is to take; a random one otherwise.
        case replica(ReplicaID?)
    }

    /// Its files are called so.
    public let name: String
    public let kind: Kind
    /// None: those that its certificate has, or else its name.
    public let hosts: [CertificateHost]

    private init(name: String, kind: Kind, hosts: [CertificateHost]) {
        self.name = name
        self.kind = kind
        self.hosts = hosts
    }

    public static let fileServerName = "fileserver"

    public static func fileServer(at hosts: [CertificateHost]) -> CertificateOwner {
        CertificateOwner(name: fileServerName, kind: .fileServer, hosts: hosts)
    }

    /// - Throws: `invalidArgument` for a name that no file, or another file, has.
    public static func replica(
        _ name: String, id: ReplicaID? = nil, at hosts: [CertificateHost] = []
    ) throws(DepotError) -> CertificateOwner {
        let host = try CertificateHost(name)
        guard case .name = host, ![fileServerName, "ca"].contains(name), !name.hasSuffix("-key")
        else {
            throw DepotError(
                .invalidArgument,
                "a replica cannot be called so here; its files have its name", object: name)
        }
        return CertificateOwner(name: name, kind: .replica(id), hosts: hosts)
    }
}

/// The folder of a deployment's authority and of the certificates that it has signed.
///
/// | file | |
/// |---|---|
/// | `ca.pem` | the authority's certificate, which everybody is given |
/// | `ca-key.pem` | its key, which no daemon needs |
/// | `NAME.pem`, `NAME-key.pem` | of each daemon |
public struct CertificateFolder: Sendable {
    /// Of an authority, in days: ten years.
    static let authorityDays = 3_652
    /// Of the others: as long as others on the Internet were once allowed to be.
    public static let daysDefault = 825
    /// Clocks of other machines may be behind.
    private static let early: Int64 = 3_600
    private static let day: Int64 = 86_400

    /// What became of an owner's certificate.
    public struct Outcome: Sendable {
        public let name: String
        public let certificate: Certificate
        public let isNew: Bool
    }

    public let path: String

    public init(_ path: String) { self.path = path }

    public func file(_ name: String) -> String { "\(path)/\(name).pem" }
    public func keyFile(_ name: String) -> String { "\(path)/\(name)-key.pem" }
    public var authorityFile: String { file("ca") }

    /// Makes what is missing: the folder, the authority, and certificates of these owners.
    ///
    /// - Parameters:
    ///   - renews: whether certificates that are there are made anew, with another key: those of
    ///     the owners, or of everybody where no owners are named. Never the authority's.
    ///   - now: seconds since 1970.
    /// - Throws: `conflict` where what is there is not what is asked for; nothing that is there was
    ///   changed then.
    public func make(
        _ owners: [CertificateOwner], days: Int = daysDefault, renews: Bool = false, at now: Int64
    ) throws(DepotError) -> [Outcome] {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .file("cannot be made", path)
        }
        let owners = renews && owners.isEmpty ? try known() : owners
        let issuer = try authority(at: now)
        var outcomes: [Outcome] = []
        for owner in owners {
            outcomes.append(try make(owner, issuer, days: days, renews: renews, at: now))
        }
        return outcomes
    }

    // MARK: The authority

    private func authority(at now: Int64) throws(DepotError) -> CertificateIssuer? {
        if let certificate = try content(of: authorityFile) {
            let key = try content(of: keyFile("ca"))
            return key.map { CertificateIssuer(certificate: certificate, key: $0) }
        }
        guard try content(of: keyFile("ca")) == nil else {
            throw DepotError(
                .conflict, "the key of a CA is there without its certificate, ca.pem", object: path)
        }
        let validity = now - Self.early..<now + Int64(Self.authorityDays) * Self.day
        let issuer = try CertificateIssuer.makeAuthority(validity: validity)
        // The key first: a certificate without it would be of no use.
        try CertificateFile.make(keyFile("ca"), issuer.authority.key, mode: 0o600)
        try CertificateFile.make(authorityFile, issuer.authority.certificate, mode: 0o644)
        return issuer
    }

    // MARK: The others

    private func make(
        _ owner: CertificateOwner, _ issuer: CertificateIssuer?, days: Int, renews: Bool,
        at now: Int64
    ) throws(DepotError) -> Outcome {
        let present = try certificate(of: owner.name)
        let hasKey = try content(of: keyFile(owner.name)) != nil
        guard (present != nil) == hasKey || renews else {
            throw DepotError(
                .conflict, "of certificate and key only one is there; --renew makes both",
                object: present == nil ? keyFile(owner.name) : file(owner.name))
        }
        let role = try role(of: owner, present)
        if let present, !renews {
            return Outcome(name: owner.name, certificate: present, isNew: false)
        }
        guard let issuer else {
            throw DepotError(
                .notFound, "the CA's key is needed to make certificates", object: keyFile("ca"))
        }
        let request = CertificateRequest(
            name: owner.name, hosts: try hosts(of: owner, present), role: role,
            isClient: role == .fileServer)
        let issued = try issuer.issue(request, validity: try validity(days, at: now))
        let write = renews ? CertificateFile.replace : CertificateFile.make
        try write(keyFile(owner.name), issued.key, 0o600)
        try write(file(owner.name), issued.certificate, 0o644)
        guard let made = try certificate(of: owner.name) else {
            throw DepotError(.internalError, "what was written is not there", object: path)
        }
        return Outcome(name: owner.name, certificate: made, isNew: true)
    }

    /// What is there is kept: a replica's UUID is in its data folder, too.
    private func role(
        of owner: CertificateOwner, _ present: Certificate?
    ) throws(DepotError) -> CertificateRole {
        let wanted: CertificateRole? =
            switch owner.kind {
            case .fileServer: .fileServer
            case .replica(let id): id.map(CertificateRole.replica)
            }
        guard let present else { return wanted ?? .replica(.random()) }
        guard let role = present.role, wanted == nil || wanted == role else {
            throw DepotError(
                .conflict,
                "the certificate that is there is of \(present.role?.uri ?? "nobody of depot's")"
                    + (wanted.map { ", and not of \($0.uri)" } ?? ""), object: file(owner.name))
        }
        return role
    }

    /// On its own machine each is asked whether it is well.
    private func hosts(
        of owner: CertificateOwner, _ present: Certificate?
    ) throws(DepotError) -> [CertificateHost] {
        let named =
            if !owner.hosts.isEmpty {
                owner.hosts
            } else if let present {
                present.hosts
            } else {
                [try CertificateHost(owner.name)]
            }
        let own = [
            try CertificateHost("localhost"), try CertificateHost("127.0.0.1"),
            try CertificateHost("::1"),
        ]
        return named + own.filter { !named.contains($0) }
    }

    /// No longer than the authority: nobody would believe the rest.
    private func validity(_ days: Int, at now: Int64) throws(DepotError) -> Range<Int64> {
        guard (1...CertificateFolder.authorityDays).contains(days) else {
            throw DepotError(
                .invalidArgument, "a certificate is valid for 1 to \(Self.authorityDays) days")
        }
        let end = now + Int64(days) * Self.day
        guard let authority = try certificate(of: "ca"), authority.validUntil > now else {
            throw DepotError(
                .conflict, "the CA has expired; make another one in a new folder",
                object: authorityFile)
        }
        return now - Self.early..<min(end, authority.validUntil)
    }

    // MARK: What is there

    private func known() throws(DepotError) -> [CertificateOwner] {
        guard let stream = opendir(path) else { throw .file("cannot be read", path) }
        defer { closedir(stream) }
        var owners: [CertificateOwner] = []
        while let entry = readdir(stream) {
            let file = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard file.hasSuffix(".pem"), !file.hasSuffix("-key.pem"), file != "ca.pem" else {
                continue
            }
            let name = String(file.dropLast(4))
            switch try certificate(of: name)?.role {
            case .fileServer? where name == CertificateOwner.fileServerName:
                owners.append(.fileServer(at: []))
            case .replica(let id)?: owners.append(try .replica(name, id: id))
            default: continue
            }
        }
        return owners.sorted { $0.name < $1.name }
    }

    private func certificate(of name: String) throws(DepotError) -> Certificate? {
        guard let pem = try content(of: file(name)) else { return nil }
        do throws(DepotError) {
            return try Certificate.read(pem: pem).first
        } catch {
            throw DepotError(error.code, error.message, object: file(name))
        }
    }

    /// `nil` where there is no such file.
    private func content(of path: String) throws(DepotError) -> [UInt8]? {
        do throws(DepotError) {
            return try CertificateFile.read(path)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }
}
