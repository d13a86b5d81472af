import DepotCertificates
import DepotCore
import DepotTestSupport
import Foundation
import Testing

@Suite struct TLSMaterialTests {
    private let now = CertificateWorkshop.now

    /// Expects an error that names the file and says what is wrong.
    private func refused(
        _ shop: CertificateWorkshop, _ file: String, _ words: String,
        at moment: Int64 = CertificateWorkshop.now, code: DepotError.Code = .invalidArgument
    ) async {
        let error = await expectError(code, "\(words)") {
            _ = try TLSMaterial.read(shop.files(of: "r1"), at: moment)
        }
        #expect(error?.object == shop.path(file), "\(words)")
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func `material that is whole is read`() async throws {
        try await CertificateWorkshop.with { shop in
            let made = try shop.folder.make([.replica("r1")], at: now)
            let material = try TLSMaterial.read(shop.files(of: "r1"), at: now)
            #expect(material.certificate == made[0].certificate)
            #expect(material.chain.count == 1 && !material.key.isEmpty)
        }
    }

    @Test func `a file that is missing, empty or something else is named`() async throws {
        try await CertificateWorkshop.with { shop in
            _ = try shop.folder.make([.replica("r1")], at: now)
            for name in ["r1.pem", "r1-key.pem", "ca.pem"] {
                let bytes = try shop.read(name)
                try FileManager.default.removeItem(atPath: shop.path(name))
                await refused(shop, name, "cannot be read", code: .notFound)
                try shop.write([], name)
                await refused(shop, name, "expected PEM")
                try shop.write(Array("hello\n".utf8), name)
                await refused(shop, name, "expected PEM")
                try shop.write(bytes, name)
            }
            var damaged = try shop.read("r1.pem")
            damaged[damaged.count / 2] = UInt8(ascii: "!")
            try shop.write(damaged, "r1.pem")
            await refused(shop, "r1.pem", "damaged")
        }
    }

    @Test func `another's key, another authority and a leaf in its place are refused`()
        async throws
    {
        try await CertificateWorkshop.with { shop in
            _ = try shop.folder.make([.replica("r1"), .replica("r2")], at: now)
            let (key, authority) = (try shop.read("r1-key.pem"), try shop.read("ca.pem"))
            try shop.write(try shop.read("r2-key.pem"), "r1-key.pem")
            await refused(shop, "r1-key.pem", "not that of the certificate")
            try shop.write(key, "r1-key.pem")
            try shop.write(try shop.read("r2.pem"), "ca.pem")
            await refused(shop, "ca.pem", "may not sign others")
            try await CertificateWorkshop.with { other in
                _ = try other.folder.make([.replica("r1")], at: now)
                try shop.write(try other.read("ca.pem"), "ca.pem")
            }
            await refused(shop, "r1.pem", "is not from the CA in")
            try shop.write(authority + (try shop.read("ca.pem")), "ca.pem")
            #expect(throws: Never.self, "one of two authorities is enough") {
                _ = try TLSMaterial.read(shop.files(of: "r1"), at: now)
            }
        }
    }

    @Test func `a certificate is refused before its time and after it`() async throws {
        try await CertificateWorkshop.with { shop in
            _ = try shop.folder.make([.replica("r1")], days: 10, at: now)
            let day = CertificateWorkshop.day
            await refused(shop, "r1.pem", "expired on 2026-11-", at: now + 11 * day)
            await refused(shop, "r1.pem", "not valid before", at: now - day)
        }
    }

    @Test(.enabled(if: CertificateWorkshop.hasOpenSSL))
    func `a key with a password is refused, and nobody is asked for it`() async throws {
        try await CertificateWorkshop.with { shop in
            _ = try shop.folder.make([.replica("r1")], at: now)
            let made = try shop.openssl([
                "ec", "-in", "r1-key.pem", "-aes256", "-passout", "pass:secret", "-out", "locked",
            ])
            try #require(made.isGood, "\(made.text)")
            try shop.write(try shop.read("locked"), "r1-key.pem")
            await refused(shop, "r1-key.pem", "PEM without a password")
        }
    }

    @Test func `days that are left are whole ones`() async throws {
        try await CertificateWorkshop.with { shop in
            let made = try shop.folder.make([.replica("r1")], days: 30, at: now)[0].certificate
            let day = CertificateWorkshop.day
            #expect(made.daysLeft(at: now) == 30)
            #expect(made.daysLeft(at: now + 1) == 29)
            #expect(made.daysLeft(at: now + 30 * day) == 0)
            #expect(made.daysLeft(at: now + 30 * day + 1) == -1)
        }
    }
}
