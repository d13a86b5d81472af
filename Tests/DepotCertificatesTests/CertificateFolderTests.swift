import DepotCertificates
import DepotCore
import DepotTestSupport
import Foundation
import Testing

@Suite struct CertificateFolderTests {
    private let now = Int64(Date().timeIntervalSince1970)

    private func owners() throws -> [CertificateOwner] {
        [
            .fileServer(at: [try CertificateHost("files.example"), try CertificateHost("10.1.2.3")]
            ),
            try .replica("r1"), try .replica("r2", at: [try CertificateHost("r2.example")]),
        ]
    }

    @Test func `certificates carry role, hosts and purposes, and keys are their owner's`()
        async throws
    {
        try await CertificateWorkshop.with { shop in
            let outcomes = try shop.folder.make(try owners(), at: now)
            #expect(outcomes.map(\.name) == ["fileserver", "r1", "r2"])
            #expect(outcomes.allSatisfy { $0.isNew })
            #expect(outcomes[0].certificate.role == .fileServer)
            #expect(outcomes[1].certificate.role?.replica != nil)
            #expect(outcomes[1].certificate.role != outcomes[2].certificate.role)
            #expect(
                outcomes[0].certificate.hosts.map(\.description)
                    == ["files.example", "10.1.2.3", "localhost", "127.0.0.1", "::1"])
            #expect(outcomes[1].certificate.hosts.first?.description == "r1")
            #expect(outcomes[0].certificate.daysLeft(at: now) == 825)
            for name in ["ca", "fileserver", "r1", "r2"] {
                let key = try FileManager.default.attributesOfItem(
                    atPath: shop.folder.keyFile(name))
                #expect(key[.posixPermissions] as? Int == 0o600)
            }
            for name in ["fileserver", "r1", "r2"] {
                #expect(throws: Never.self) {
                    _ = try TLSMaterial.read(shop.files(of: name), at: now)
                }
            }
        }
    }

    @Test(.enabled(if: CertificateWorkshop.hasOpenSSL))
    func `OpenSSL's command verifies them, each for its purpose and its hosts`() async throws {
        try await CertificateWorkshop.with { shop in
            _ = try shop.folder.make(try owners(), at: now)
            func verify(_ name: String, _ more: [String]) throws -> Bool {
                try shop.openssl(
                    ["verify", "-x509_strict", "-CAfile", "ca.pem"] + more + ["\(name).pem"]
                ).isGood
            }
            #expect(try verify("fileserver", ["-purpose", "sslserver"]))
            #expect(try verify("fileserver", ["-purpose", "sslclient"]))
            #expect(try verify("fileserver", ["-verify_hostname", "files.example"]))
            #expect(try verify("fileserver", ["-verify_ip", "10.1.2.3"]))
            #expect(try verify("fileserver", ["-verify_hostname", "other.example"]) == false)
            #expect(try verify("r1", ["-purpose", "sslserver"]))
            #expect(try verify("r1", ["-purpose", "sslclient"]) == false, "a replica asks nobody")
            let authority = try shop.openssl(["x509", "-in", "ca.pem", "-noout", "-text"]).text
            #expect(authority.contains("CA:TRUE, pathlen:0"))
            #expect(authority.contains("Certificate Sign, CRL Sign"))
            #expect(authority.contains("ecdsa-with-SHA256"))
            #expect(authority.contains("NIST CURVE: P-256"))
            let replica = try shop.openssl(["x509", "-in", "r1.pem", "-noout", "-text"]).text
            #expect(replica.contains("CA:FALSE"))
            #expect(replica.contains("URI:urn:depot:replica:"))
            #expect(replica.contains("TLS Web Server Authentication"))
            #expect(!replica.contains("TLS Web Client Authentication"))
        }
    }

    @Test func `what is there is kept, and what is missing is added by the same authority`()
        async throws
    {
        try await CertificateWorkshop.with { shop in
            let first = try shop.folder.make([.fileServer(at: []), try .replica("r1")], at: now)
            let before = try ["ca", "fileserver", "r1", "r1-key"].map { try shop.read("\($0).pem") }
            let second = try shop.folder.make(
                [.fileServer(at: []), try .replica("r1"), try .replica("r2")], at: now)
            #expect(second.map(\.isNew) == [false, false, true])
            #expect(second[1].certificate == first[1].certificate)
            let after = try ["ca", "fileserver", "r1", "r1-key"].map { try shop.read("\($0).pem") }
            #expect(before == after)
            #expect(throws: Never.self) {
                _ = try TLSMaterial.read(shop.files(of: "r2"), at: now)
            }
        }
    }

    @Test func `renewing makes certificates anew, with the same role and hosts`() async throws {
        try await CertificateWorkshop.with { shop in
            let first = try shop.folder.make(try owners(), days: 10, at: now)
            let authority = try shop.read("ca.pem")
            let keys = try shop.read("r1-key.pem")
            let again = try shop.folder.make([], days: 20, renews: true, at: now)
            #expect(again.map(\.name) == ["fileserver", "r1", "r2"])
            #expect(again.allSatisfy { $0.isNew })
            for (old, new) in zip(first, again) {
                #expect(old.certificate.role == new.certificate.role)
                #expect(old.certificate.hosts == new.certificate.hosts)
                #expect(new.certificate.daysLeft(at: now) == 20)
            }
            #expect(try shop.read("ca.pem") == authority)
            #expect(try shop.read("r1-key.pem") != keys)
            #expect(throws: Never.self) {
                _ = try TLSMaterial.read(shop.files(of: "r1"), at: now)
            }
        }
    }

    @Test func `another UUID than the certificate's is a conflict, and changes nothing`()
        async throws
    {
        try await CertificateWorkshop.with { shop in
            let id = ReplicaID.random()
            let made = try shop.folder.make([try .replica("r1", id: id)], at: now)
            #expect(made[0].certificate.role == .replica(id))
            let before = try shop.read("r1.pem")
            for renews in [false, true] {
                await expectError(.conflict) {
                    _ = try shop.folder.make(
                        [try .replica("r1", id: .random())], renews: renews, at: now)
                }
            }
            #expect(try shop.read("r1.pem") == before)
        }
    }

    @Test func `half of a pair, a CA without its certificate, and an expired CA are told`()
        async throws
    {
        try await CertificateWorkshop.with { shop in
            _ = try shop.folder.make([try .replica("r1")], at: now)
            try FileManager.default.removeItem(atPath: shop.path("r1-key.pem"))
            await expectError(.conflict) { _ = try shop.folder.make([.replica("r1")], at: now) }
            let later = now + 3_660 * CertificateWorkshop.day
            await expectError(.conflict) { _ = try shop.folder.make([.replica("r2")], at: later) }
            try FileManager.default.removeItem(atPath: shop.path("ca-key.pem"))
            await expectError(.notFound) { _ = try shop.folder.make([.replica("r2")], at: now) }
            try shop.write([1], "ca-key.pem")
            try FileManager.default.removeItem(atPath: shop.path("ca.pem"))
            await expectError(.conflict) { _ = try shop.folder.make([.replica("r2")], at: now) }
        }
    }

    @Test(arguments: ["ca", "fileserver", "a/b", "..", "r-key", "10.0.0.1", "", "a,DNS:b"])
    func `a name that is none of a replica's files is refused`(_ name: String) async throws {
        await expectError(.invalidArgument) { _ = try CertificateOwner.replica(name) }
    }
}
