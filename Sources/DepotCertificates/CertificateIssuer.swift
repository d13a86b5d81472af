import CLibCrypto
import DepotCore

/// What a certificate is to say.
public struct CertificateRequest: Sendable {
    public let name: String
    public let hosts: [CertificateHost]
    public let role: CertificateRole?
    /// Whether its owner asks others, beside answering.
    public let isClient: Bool

    public init(
        name: String, hosts: [CertificateHost], role: CertificateRole?, isClient: Bool
    ) {
        self.name = name
        self.hosts = hosts
        self.role = role
        self.isClient = isClient
    }

    /// Of the FileServer: it answers clients, and asks replicas.
    public static func fileServer(at hosts: [CertificateHost]) -> CertificateRequest {
        CertificateRequest(name: "fileserver", hosts: hosts, role: .fileServer, isClient: true)
    }

    /// Of a replica, which answers and never asks.
    public static func replica(
        _ id: ReplicaID, called name: String, at hosts: [CertificateHost]
    ) -> CertificateRequest {
        CertificateRequest(name: name, hosts: hosts, role: .replica(id), isClient: false)
    }

    fileprivate var alternativeNames: String {
        (hosts.map(\.extensionText) + [role].compactMap { $0.map { "URI:\($0.uri)" } })
            .joined(separator: ",")
    }
}

/// A certificate with its key, as PEM.
public struct IssuedCertificate: Sendable {
    public let certificate: [UInt8]
    public let key: [UInt8]
}

/// The authority of one deployment, which signs the certificates of its daemons. Keys are on the
/// curve P-256, signatures ECDSA with SHA-256.
public struct CertificateIssuer: Sendable {
    public let authority: IssuedCertificate

    /// - Parameter authority: as `makeAuthority` gave it.
    public init(_ authority: IssuedCertificate) { self.authority = authority }

    public init(certificate: [UInt8], key: [UInt8]) {
        authority = IssuedCertificate(certificate: certificate, key: key)
    }

    /// Makes an authority that may sign daemons' certificates and no other authority. Names of
    /// hosts are not constrained: replicas at new ones come later, and nobody but depot is told to
    /// believe it.
    ///
    /// - Parameter validity: in seconds since 1970.
    public static func makeAuthority(
        validity: Range<Int64>
    ) throws(DepotError) -> CertificateIssuer {
        let key = try makeKey()
        let serial = try randomBytes()
        // Two deployments' authorities have different names: one that is not known is not taken for
        // one whose signature is wrong.
        let suffix = serial.prefix(4).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
        let certificate = try unsigned(
            subject: "depot CA \(suffix)", issuer: nil, key: key.pointer, serial: serial,
            validity: validity)
        try extend(
            certificate.pointer, by: certificate.pointer,
            [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
        try sign(certificate.pointer, with: key.pointer)
        return CertificateIssuer(
            IssuedCertificate(
                certificate: try pem(of: certificate.pointer), key: try pem(ofKey: key.pointer)))
    }

    /// Makes a key, and a certificate for it.
    ///
    /// - Throws: `invalidArgument` where the authority's certificate or key cannot be read.
    public func issue(
        _ request: CertificateRequest, validity: Range<Int64>
    ) throws(DepotError) -> IssuedCertificate {
        let issuer = try Self.certificate(authority.certificate)
        let issuerKey = try Self.key(authority.key)
        guard X509_check_private_key(issuer.pointer, issuerKey.pointer) == 1 else {
            ERR_clear_error()
            throw DepotError(.invalidArgument, "the CA's key is not that of its certificate")
        }
        let key = try Self.makeKey()
        let certificate = try Self.unsigned(
            subject: request.name, issuer: issuer.pointer, key: key.pointer,
            serial: try Self.randomBytes(), validity: validity)
        let usage = request.isClient ? "serverAuth,clientAuth" : "serverAuth"
        try Self.extend(
            certificate.pointer, by: issuer.pointer,
            [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"), (NID_ext_key_usage, usage),
                (NID_subject_alt_name, request.alternativeNames),
                (NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid"),
            ])
        try Self.sign(certificate.pointer, with: issuerKey.pointer)
        return IssuedCertificate(
            certificate: try Self.pem(of: certificate.pointer),
            key: try Self.pem(ofKey: key.pointer))
    }

    // MARK: Parts of a certificate

    /// Of RFC 5280. Nothing is decided by it: it is what people read.
    private static let commonNameMax = 64

    private static func makeKey() throws(DepotError) -> LibCryptoObject {
        try LibCryptoObject(depot_make_p256_key(), "no key could be made") { EVP_PKEY_free($0) }
    }

    /// 127 bits: as many as a serial number may have, of which none is negative.
    private static func randomBytes() throws(DepotError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16)
        try LibCryptoObject.require(
            RAND_bytes(&bytes, Int32(bytes.count)), "there are no random numbers")
        bytes[0] = bytes[0] & 0x7F | 0x40
        return bytes
    }

    private static func unsigned(
        subject: String, issuer: OpaquePointer?, key: OpaquePointer, serial: [UInt8],
        validity: Range<Int64>
    ) throws(DepotError) -> LibCryptoObject {
        let certificate = try LibCryptoObject(X509_new(), "no memory") { X509_free($0) }
        let pointer = certificate.pointer
        func require(_ result: Int32) throws(DepotError) {
            try LibCryptoObject.require(result, "a certificate cannot be made")
        }
        try require(X509_set_version(pointer, 2))
        let number = try LibCryptoObject(
            BN_bin2bn(serial, Int32(serial.count), nil), "no memory"
        ) { BN_free($0) }
        guard BN_to_ASN1_INTEGER(number.pointer, X509_get_serialNumber(pointer)) != nil else {
            throw LibCryptoObject.failure("a certificate cannot be made")
        }
        guard ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(validity.lowerBound)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(validity.upperBound)) != nil
        else { throw LibCryptoObject.failure("a certificate's time cannot be written") }
        let name = X509_get_subject_name(pointer)
        try require(
            X509_NAME_add_entry_by_txt(
                name, "CN", MBSTRING_UTF8, String(subject.prefix(commonNameMax)), -1, -1, 0))
        try require(X509_set_issuer_name(pointer, issuer.map { X509_get_subject_name($0) } ?? name))
        try require(X509_set_pubkey(pointer, key))
        return certificate
    }

    private static func extend(
        _ certificate: OpaquePointer, by issuer: OpaquePointer, _ extensions: [(Int32, String)]
    ) throws(DepotError) {
        for (kind, value) in extensions where !value.isEmpty {
            try LibCryptoObject.require(
                depot_add_extension(certificate, issuer, kind, value),
                "'\(value)' cannot be written into a certificate")
        }
    }

    private static func sign(
        _ certificate: OpaquePointer, with key: OpaquePointer
    ) throws(DepotError) {
        try LibCryptoObject.require(
            X509_sign(certificate, key, EVP_sha256()), "a certificate cannot be signed")
    }

    // MARK: PEM

    private static func certificate(_ pem: [UInt8]) throws(DepotError) -> LibCryptoObject {
        guard let first = try Certificate.read(pem: pem).first else {
            throw DepotError(.invalidArgument, "there is no certificate of a CA")
        }
        return try Certificate.parsed(first.der)
    }

    private static func key(_ pem: [UInt8]) throws(DepotError) -> LibCryptoObject {
        let memory = try LibCryptoObject.reading(pem)
        guard let pointer = PEM_read_bio_PrivateKey(memory.pointer, nil, depot_no_password, nil)
        else {
            throw DepotError(
                .invalidArgument, "the CA's key cannot be read (\(LibCryptoObject.reason()))")
        }
        return try LibCryptoObject(pointer, "no key") { EVP_PKEY_free($0) }
    }

    private static func pem(of certificate: OpaquePointer) throws(DepotError) -> [UInt8] {
        let memory = try LibCryptoObject.writing()
        try LibCryptoObject.require(
            PEM_write_bio_X509(memory.pointer, certificate), "a certificate cannot be written")
        return memory.written()
    }

    private static func pem(ofKey key: OpaquePointer) throws(DepotError) -> [UInt8] {
        let memory = try LibCryptoObject.writing()
        try LibCryptoObject.require(
            PEM_write_bio_PrivateKey(memory.pointer, key, nil, nil, 0, nil, nil),
            "a key cannot be written")
        return memory.written()
    }
}
