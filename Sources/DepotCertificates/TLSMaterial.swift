import CLibCrypto
import DepotCore

/// Where a daemon's certificate, its key and the authority of its deployment lie: PEM, all three.
public struct TLSFiles: Sendable, Hashable {
    /// The certificate first, then those between it and the authority, if there are any.
    public let certificate: String
    public let key: String
    public let authority: String

    public init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }

    public var paths: [String] { [certificate, key, authority] }
}

/// What a daemon shows of itself, and by whom it recognises others. It was checked as a whole:
/// nothing is begun with half of it.
public struct TLSMaterial: Sendable {
    public let files: TLSFiles
    public let chain: [Certificate]
    /// DER of the private key. It goes into connections and nowhere else.
    public let key: [UInt8]
    public let anchors: TrustAnchors

    /// The daemon's own.
    public let certificate: Certificate

    /// Reads and checks the files.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Throws: which file is wrong, what is wrong with it, and what to do: `invalidArgument`, or
    ///   what the system says of a file that cannot be read.
    public static func read(_ files: TLSFiles, at now: Int64) throws(DepotError) -> TLSMaterial {
        let chain = try certificates(in: files.certificate)
        let anchors = try anchors(in: files.authority)
        guard let own = chain.first else {
            throw fault(files.certificate, "there is no certificate in it")
        }
        let key = try key(in: files.key, of: own, files)
        try checkTime(own, files.certificate, at: now)
        do throws(DepotError) {
            try anchors.verify(chain, for: .server(host: nil), at: now)
        } catch {
            throw fault(files.certificate, "\(error.message); nobody would believe it")
        }
        return TLSMaterial(
            files: files, chain: chain, key: key, anchors: anchors, certificate: own)
    }

    /// Certificates of authorities alone, as a client has them.
    public static func anchors(in file: String) throws(DepotError) -> TrustAnchors {
        let authorities = try certificates(in: file)
        for authority in authorities where !authority.isAuthority {
            throw fault(
                file,
                "'\(authority.subject)' in it may not sign others; it is to be the CA's "
                    + "certificate, as ca.pem of `depot tls init`")
        }
        return try TrustAnchors(authorities, from: file)
    }

    private static func fault(_ file: String, _ what: String) -> DepotError {
        DepotError(.invalidArgument, what, object: file)
    }

    private static func certificates(in file: String) throws(DepotError) -> [Certificate] {
        let found: [Certificate]
        do throws(DepotError) {
            found = try Certificate.read(pem: CertificateFile.read(file))
        } catch {
            throw error.code == .invalidArgument ? fault(file, error.message) : error
        }
        guard !found.isEmpty else {
            throw fault(
                file,
                "there is no certificate in it; expected PEM, which begins with "
                    + "-----BEGIN CERTIFICATE-----")
        }
        return found
    }

    private static func key(
        in file: String, of certificate: Certificate, _ files: TLSFiles
    ) throws(DepotError) -> [UInt8] {
        let memory = try LibCryptoObject.reading(CertificateFile.read(file))
        guard let pointer = PEM_read_bio_PrivateKey(memory.pointer, nil, depot_no_password, nil)
        else {
            throw fault(
                file,
                "there is no private key in it that can be read (\(LibCryptoObject.reason())); "
                    + "expected PEM without a password")
        }
        let key = try LibCryptoObject(pointer, "no key") { EVP_PKEY_free($0) }
        let parsed = try Certificate.parsed(certificate.der)
        guard X509_check_private_key(parsed.pointer, key.pointer) == 1 else {
            ERR_clear_error()
            throw fault(file, "the key is not that of the certificate in \(files.certificate)")
        }
        var start: UnsafeMutablePointer<UInt8>?
        let count = i2d_PrivateKey(key.pointer, &start)
        guard count > 0, let start else { throw LibCryptoObject.failure("the key has no bytes") }
        defer { CRYPTO_clear_free(start, Int(count), nil, 0) }
        return Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    private static func checkTime(
        _ certificate: Certificate, _ file: String, at now: Int64
    ) throws(DepotError) {
        guard certificate.validUntil >= now else {
            throw fault(
                file,
                "the certificate expired on \(Certificate.date(certificate.validUntil)); make a "
                    + "new one, as with `depot tls init --renew`")
        }
        guard certificate.validFrom <= now else {
            throw fault(
                file,
                "the certificate is not valid before \(Certificate.date(certificate.validFrom)); "
                    + "is the clock of this machine right?")
        }
    }
}
