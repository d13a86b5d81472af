import CLibCrypto
import DepotCore

// BoringSSL, which carries the connections, says of a certificate that it rejects no more than that.
// So chains are verified here, by libcrypto, at a daemon's start and when somebody connects alike:
// one place that decides, and that can tell a certificate of another authority from one that has
// expired.

/// The authorities that are believed when they say who somebody is.
public final class TrustAnchors: @unchecked Sendable {
    /// What a certificate is to be good for.
    public enum Purpose: Sendable {
        /// To answer as that host, or, where none is given, as a server whose role is looked at
        /// afterwards.
        case server(host: String?)
        /// To ask.
        case client

        fileprivate var number: Int32 {
            switch self {
            case .server: X509_PURPOSE_SSL_SERVER
            case .client: X509_PURPOSE_SSL_CLIENT
            }
        }
    }

    // An `X509_STORE`. It is filled before anybody else sees it, and libcrypto locks what lookups
    // change in it; so it may be used by several threads.
    private let store: OpaquePointer
    /// What they are called in messages: the file, or the system.
    private let name: String

    private init(name: String) throws(DepotError) {
        guard let store = X509_STORE_new() else { throw LibCryptoObject.failure("no memory") }
        self.store = store
        self.name = name
    }

    deinit { X509_STORE_free(store) }

    /// - Parameter file: where they come from, for messages.
    public convenience init(
        _ authorities: [Certificate], from file: String
    ) throws(DepotError) {
        try self.init(name: "the CA in \(file)")
        for authority in authorities {
            let parsed = try Certificate.parsed(authority.der)
            try LibCryptoObject.require(
                X509_STORE_add_cert(store, parsed.pointer), "an authority cannot be added")
        }
    }

    /// Those of this machine.
    ///
    /// - Throws: `fileFailed` where it has none that can be read.
    public static func system() throws(DepotError) -> TrustAnchors {
        let anchors = try TrustAnchors(name: "an authority that this machine trusts")
        guard X509_STORE_set_default_paths(anchors.store) == 1 else {
            throw DepotError(
                .fileFailed,
                "the authorities that this machine trusts cannot be read; give those of the "
                    + "FileServer with --ca FILE or DEPOT_CA_FILE (\(LibCryptoObject.reason()))")
        }
        return anchors
    }

    /// Whether a certificate is from one of them, valid now, and good for a purpose.
    ///
    /// - Parameters:
    ///   - chain: the certificate, and others that may lead from it to an authority.
    ///   - now: seconds since 1970.
    /// - Throws: `unauthorized`, which says what is wrong with it.
    public func verify(
        _ chain: [Certificate], for purpose: Purpose, at now: Int64
    ) throws(DepotError) {
        guard let first = chain.first else {
            throw DepotError(.unauthorized, "there is no certificate")
        }
        let leaf = try Certificate.parsed(first.der)
        let others = try LibCryptoObject(OPENSSL_sk_new_null(), "no memory") { list in
            OPENSSL_sk_pop_free(list) { X509_free($0.map { OpaquePointer($0) }) }
        }
        for other in chain.dropFirst() {
            let parsed = try Certificate.parsed(other.der)
            // The list has a reference of its own.
            X509_up_ref(parsed.pointer)
            OPENSSL_sk_push(others.pointer, UnsafeRawPointer(parsed.pointer))
        }
        let context = try LibCryptoObject(X509_STORE_CTX_new(), "no memory") {
            X509_STORE_CTX_free($0)
        }
        try LibCryptoObject.require(
            X509_STORE_CTX_init(context.pointer, store, leaf.pointer, others.pointer), "no memory")
        guard let parameters = X509_STORE_CTX_get0_param(context.pointer) else {
            throw LibCryptoObject.failure("no memory")
        }
        X509_VERIFY_PARAM_set_time(parameters, time_t(now))
        try LibCryptoObject.require(
            X509_VERIFY_PARAM_set_purpose(parameters, purpose.number), "no such purpose")
        if case .server(let host?) = purpose { try Self.demand(host, parameters) }
        let isGood = X509_verify_cert(context.pointer) == 1
        let reason = X509_STORE_CTX_get_error(context.pointer)
        ERR_clear_error()
        guard isGood, reason == X509_V_OK else {
            throw refusal(of: first, for: purpose, because: reason)
        }
    }

    /// Names of hosts count where they stand as such: not in the subject, and not as part of a
    /// label.
    private static func demand(_ host: String, _ parameters: OpaquePointer) throws(DepotError) {
        X509_VERIFY_PARAM_set_hostflags(
            parameters,
            UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        if let address = CertificateHost.address(host) {
            try LibCryptoObject.require(
                X509_VERIFY_PARAM_set1_ip(parameters, address, address.count), "no memory")
        } else {
            try LibCryptoObject.require(
                X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count), "no memory")
        }
    }

    private func refusal(
        of certificate: Certificate, for purpose: Purpose, because reason: Int32
    ) -> DepotError {
        let whose = "the certificate '\(certificate.subject)'"
        let fault: String
        switch reason {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            fault =
                "\(whose), or one above it, expired; its own end is "
                + Certificate.date(certificate.validUntil)
        case X509_V_ERR_CERT_NOT_YET_VALID:
            fault =
                "\(whose) is not valid before \(Certificate.date(certificate.validFrom)); is "
                + "the clock of this machine right?"
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names = certificate.hosts.map(\.description).joined(separator: ", ")
            fault = "\(whose) is for other names: \(names.isEmpty ? "none" : names)"
        case X509_V_ERR_INVALID_PURPOSE:
            let kind = if case .client = purpose { "client" } else { "server" }
            fault = "\(whose) is none of a \(kind)"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            fault = "\(whose) is not from \(name)"
        default:
            fault =
                "\(whose) cannot be verified: "
                + String(cString: X509_verify_cert_error_string(Int(reason)))
        }
        return DepotError(.unauthorized, fault)
    }
}
