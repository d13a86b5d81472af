import DepotCertificates
import DepotCore
import DepotTestSupport
import Testing

@Suite struct TrustAnchorsTests {
    private let now = CertificateWorkshop.now

    private func certificate(
        _ issuer: CertificateIssuer, hosts: [String], isClient: Bool = false, until: Int64? = nil
    ) throws -> Certificate {
        let request = CertificateRequest(
            name: "leaf", hosts: try hosts.map { try CertificateHost($0) },
            role: .replica(.random()), isClient: isClient)
        let issued = try issuer.issue(request, validity: now - 60..<(until ?? now + 60))
        return try #require(try Certificate.read(pem: issued.certificate).first)
    }

    private func anchors(_ issuer: CertificateIssuer) throws -> TrustAnchors {
        try TrustAnchors(
            Certificate.read(pem: issuer.authority.certificate), from: "ca.pem")
    }

    @Test func `hosts count as they stand in the certificate`() async throws {
        let issuer = try CertificateIssuer.makeAuthority(validity: now - 60..<now + 600)
        let leaf = try certificate(issuer, hosts: ["a.example", "10.0.0.1", "fd00::1"])
        let anchors = try anchors(issuer)
        for host in ["a.example", "A.Example", "10.0.0.1", "fd00::1", "fd00:0::0:1"] {
            #expect(throws: Never.self, "\(host)") {
                try anchors.verify([leaf], for: .server(host: host), at: now)
            }
        }
        for host in ["b.example", "x.a.example", "example", "leaf", "10.0.0.2", "::1"] {
            let error = await expectError(.unauthorized, "\(host)") {
                try anchors.verify([leaf], for: .server(host: host), at: now)
            }
            #expect(error?.message.contains("is for other names: a.example") == true)
        }
    }

    @Test func `another authority, another purpose and another time are told apart`() async throws {
        let issuer = try CertificateIssuer.makeAuthority(validity: now - 60..<now + 600)
        let other = try CertificateIssuer.makeAuthority(validity: now - 60..<now + 600)
        let anchors = try anchors(issuer)
        func refused(
            _ chain: [Certificate], _ purpose: TrustAnchors.Purpose, _ words: String,
            at moment: Int64? = nil
        ) async {
            let error = await expectError(.unauthorized, "\(words)") {
                try anchors.verify(chain, for: purpose, at: moment ?? now)
            }
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        let server = try certificate(issuer, hosts: ["a"])
        let client = try certificate(issuer, hosts: ["a"], isClient: true)
        await refused(
            [try certificate(other, hosts: ["a"])], .server(host: "a"), "not from the CA in ca.pem")
        let otherRoot = try Certificate.read(pem: other.authority.certificate)
        await refused(
            [try certificate(other, hosts: ["a"])] + otherRoot, .server(host: "a"),
            "not from the CA in ca.pem")
        await refused([server], .client, "none of a client")
        #expect(throws: Never.self) { try anchors.verify([client], for: .client, at: now) }
        await refused([server], .server(host: "a"), "expired", at: now + 120)
        await refused([server], .server(host: "a"), "not valid before", at: now - 120)
        await refused([], .client, "no certificate")
        // One that may not sign signs another.
        let request = CertificateRequest(name: "x", hosts: [], role: .fileServer, isClient: true)
        let middle = try issuer.issue(request, validity: now - 60..<now + 60)
        let forged = try CertificateIssuer(middle).issue(request, validity: now - 60..<now + 60)
        await refused(
            try Certificate.read(pem: forged.certificate + middle.certificate), .client,
            "cannot be verified")
    }

    @Test func `a role is one URI of depot's`() throws {
        let id = ReplicaID.random()
        #expect(CertificateRole(uri: "urn:depot:fileserver") == .fileServer)
        #expect(CertificateRole(uri: "urn:depot:replica:\(id)") == .replica(id))
        for uri in [
            "urn:depot:replica:", "urn:depot:replica:x", "urn:depot:fileserver2", "urn:depot",
        ] {
            #expect(CertificateRole(uri: uri) == nil)
        }
    }
}
