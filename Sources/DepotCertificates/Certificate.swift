import CLibCrypto
import DepotCore
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A certificate, as its bytes say. Nothing of it is believed before `TrustAnchors` have verified
/// it.
public struct Certificate: Sendable, Hashable {
    public let der: [UInt8]
    /// Of people's kind: the common name, as a rule.
    public let subject: String
    /// Seconds since 1970, both included.
    public let validFrom: Int64
    public let validUntil: Int64
    public let hosts: [CertificateHost]
    public let uris: [String]
    /// Whether it may sign others.
    public let isAuthority: Bool

    /// What its owner is in a deployment; `nil` without a URI of depot's, and where it has several.
    public var role: CertificateRole? {
        let roles = Set(uris.compactMap { CertificateRole(uri: $0) })
        return roles.count == 1 ? roles.first : nil
    }

    /// Whole days until it expires; below 0 where it has.
    public func daysLeft(at now: Int64) -> Int {
        Int(((Double(validUntil) - Double(now)) / 86_400).rounded(.down))
    }

    /// - Throws: `invalidArgument` for what is no certificate.
    public init(der: [UInt8]) throws(DepotError) {
        let parsed = try Self.parsed(der)
        try self.init(parsed.pointer, der: der)
    }

    /// - Parameter certificate: an `X509`, which stays the caller's.
    init(_ certificate: OpaquePointer, der: [UInt8]) throws(DepotError) {
        self.der = der
        subject = Self.commonName(X509_get_subject_name(certificate))
        validFrom = try Self.seconds(X509_get0_notBefore(certificate))
        validUntil = try Self.seconds(X509_get0_notAfter(certificate))
        isAuthority = X509_check_ca(certificate) == 1
        (hosts, uris) = Self.alternativeNames(certificate)
    }

    /// The `X509` of these bytes.
    static func parsed(_ der: [UInt8]) throws(DepotError) -> LibCryptoObject {
        let pointer = der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_X509(nil, &start, bytes.count)
        }
        guard let pointer else {
            throw DepotError(
                .invalidArgument, "not a certificate (\(LibCryptoObject.reason()))")
        }
        return try LibCryptoObject(pointer, "no certificate") { X509_free($0) }
    }

    /// Reads all certificates of a PEM text, in their order.
    ///
    /// - Throws: `invalidArgument` for one that cannot be read.
    public static func read(pem: [UInt8]) throws(DepotError) -> [Certificate] {
        let memory = try LibCryptoObject.reading(pem)
        var certificates: [Certificate] = []
        while let pointer = PEM_read_bio_X509(memory.pointer, nil, depot_no_password, nil) {
            let certificate = try LibCryptoObject(pointer, "no certificate") { X509_free($0) }
            certificates.append(try Certificate(certificate.pointer, der: bytes(of: pointer)))
        }
        let error = ERR_peek_last_error()
        // Behind the last one there is no further beginning.
        let isEnd = error == 0 || ERR_GET_REASON(error) == PEM_R_NO_START_LINE
        let reason = LibCryptoObject.reason()
        guard isEnd else {
            throw DepotError(.invalidArgument, "a certificate in it is damaged (\(reason))")
        }
        return certificates
    }

    static func bytes(of certificate: OpaquePointer) throws(DepotError) -> [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(certificate, &start)
        guard count > 0, let start else { throw LibCryptoObject.failure("no certificate") }
        defer { CRYPTO_free(start, nil, 0) }
        return Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) throws(DepotError) -> Int64 {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else {
            throw DepotError(.invalidArgument, "a certificate's time is none")
        }
        return Int64(timegm(&parts))
    }

    private static func commonName(_ name: OpaquePointer?) -> String {
        var text = [CChar](repeating: 0, count: 256)
        guard X509_NAME_get_text_by_NID(name, NID_commonName, &text, Int32(text.count)) > 0 else {
            return "without a name"
        }
        return String(
            decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func alternativeNames(
        _ certificate: OpaquePointer
    ) -> ([CertificateHost], [String]) {
        guard let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
            ERR_clear_error()
            return ([], [])
        }
        let list = OpaquePointer(names)
        defer { GENERAL_NAMES_free(list) }
        var hosts: [CertificateHost] = []
        var uris: [String] = []
        for index in 0..<depot_count_names(list) {
            var (kind, length): (Int32, Int32) = (0, 0)
            guard let start = depot_name_bytes(list, index, &kind, &length) else { continue }
            let bytes = UnsafeBufferPointer(start: start, count: Int(length))
            switch kind {
            case GEN_URI: uris.append(String(decoding: bytes, as: UTF8.self))
            case GEN_DNS: hosts.append(.name(String(decoding: bytes, as: UTF8.self)))
            default: hosts.append(.address(Array(bytes)))
            }
        }
        return (hosts, uris)
    }

    /// `2027-03-04`, in UTC.
    static func date(_ seconds: Int64) -> String {
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        return String(text.prefix { $0 != "T" })
    }
}
