import DepotCertificates
import DepotCore
import DepotTestSupport
import DepotWire
import FoundationEssentials
import Testing

/// Certificates change while a daemon runs.
@Suite(.timeLimit(.minutes(1))) struct RenewalTests {
    private func look(_ keeper: TLSKeeper, isSure: Bool = false) -> String {
        switch keeper.look(isSure: isSure) {
        case .unchanged: "unchanged"
        case .renewed: "renewed"
        case .refused(let error): error.description
        }
    }

    @Test func `new material is taken when it is whole, and what is wrong is told once`()
        async throws
    {
        try await CertificateKit.with { kit in
            let id = ReplicaID.random()
            let keeper = try kit.replica(id, days: 10)
            #expect(look(keeper) == "unchanged")
            #expect(keeper.daysLeft == 10 || keeper.daysLeft == 9)
            let (certificate, key) = (kit.folder.file("r1"), kit.folder.keyFile("r1"))
            let before = (
                certificate: try CertificateKit.read(certificate), key: try CertificateKit.read(key)
            )
            _ = try kit.folder.make([.replica("r1")], days: 99, renews: true, at: kit.now)
            let after = (
                certificate: try CertificateKit.read(certificate), key: try CertificateKit.read(key)
            )
            // Half of a renewal.
            try CertificateKit.write(before.certificate, to: certificate)
            #expect(look(keeper).contains("not that of the certificate"))
            #expect(look(keeper) == "unchanged")
            #expect(look(keeper, isSure: true).contains("not that of the certificate"))
            #expect(keeper.daysLeft < 11)
            try CertificateKit.write(after.certificate, to: certificate)
            #expect(look(keeper) == "renewed")
            #expect(keeper.daysLeft > 97)
            try FileManager.default.removeItem(atPath: key)
            #expect(look(keeper).contains("cannot be read"))
            #expect(keeper.daysLeft > 97)
        }
    }

    @Test func `a daemon stays who it is`() async throws {
        try await CertificateKit.with { kit in
            let keeper = try kit.replica(.random())
            _ = try kit.replica(.random(), called: "r2")
            for (from, to) in [
                (kit.folder.file("r2"), kit.folder.file("r1")),
                (kit.folder.keyFile("r2"), kit.folder.keyFile("r1")),
            ] {
                try CertificateKit.write(CertificateKit.read(from), to: to)
            }
            #expect(look(keeper).contains("and this is urn:depot:replica:"))
        }
    }

    @Test func `new connections begin with the new certificate, and old ones go on`()
        async throws
    {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            let keeper = try kit.replica(memory.id, days: 10)
            let asking = try kit.fileServer()
            try await TestReplica.run(memory) {
                $0.tls = ServerTLS(keeper, callers: .fileServer)
            } _: { replica in
                let old = try replica.remote(.replica(asking))
                _ = try await old.standing()
                let worn = try replica.remote(.replica(asking), lifetime: .nanoseconds(0))
                _ = try await worn.standing()
                let first = try #require(old.certificateEnds)
                _ = try kit.folder.make([], days: 99, renews: true, at: kit.now)
                #expect(look(keeper) == "renewed" && look(asking) == "renewed")
                _ = try await old.standing()
                #expect(old.certificateEnds == first)
                _ = try await worn.standing()
                #expect(worn.certificateEnds == first + 89 * CertificateKit.day)
                let new = try replica.remote(.replica(asking))
                _ = try await new.standing()
                #expect(new.certificateEnds == first + 89 * CertificateKit.day)
            }
        }
    }
}
