import DepotCertificates
import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// FileServer and replica show each other who they are before anything is said.
@Suite(.timeLimit(.minutes(1))) struct MutualTLSTests {
    /// Runs a replica with a certificate of its own.
    private func run(
        _ kit: CertificateKit, _ storage: any ChunkStorage, _ keeper: TLSKeeper,
        _ body: (TestReplica) async throws -> Void
    ) async throws {
        try await TestReplica.run(storage) {
            $0.tls = ServerTLS(keeper, callers: .fileServer)
        } _: {
            try await body($0)
        }
    }

    private func refused(
        _ replica: TestReplica, _ trust: TransportTrust, _ words: String
    ) async throws {
        let error = await expectError(.unauthorized, "\(words)") {
            _ = try await replica.remote(trust).standing()
        }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func `the FileServer is served, and knows until when the certificate is valid`()
        async throws
    {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            try await run(kit, memory, kit.replica(memory.id, days: 40)) { replica in
                let remote = try replica.remote(.replica(kit.fileServer()))
                #expect(remote.certificateEnds == nil)
                #expect(try await remote.standing().replica == memory.id)
                let object = SampleObjects.chunk(1)
                #expect(try await remote.putDurably([object]) == [.durable])
                let read = try await remote.read([object.id])
                #expect(read.map { $0?.length } == [object.length])
                let ends = try #require(remote.certificateEnds)
                #expect(TLSKeeper.days(until: ends, at: kit.now) == 40)
            }
        }
    }

    @Test func `without a certificate only health is told`() async throws {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            try await run(kit, memory, kit.replica(memory.id)) { replica in
                let nobody = TransportTrust.authorities(try kit.anchors())
                try await refused(replica, nobody, "only the FileServer is served here")
                let transport = try replica.transport(nobody)
                let health = try await transport.send(WireRequest(.GET, "/health"))
                #expect(health.status == 200)
            }
        }
    }

    /// A monitoring system has no certificate, and is to have none of the FileServer's.
    @Test func `without a certificate the token of the metrics opens them, and nothing else`()
        async throws
    {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            let keeper = try kit.replica(memory.id)
            let token = try AccessToken("metrics-token-of-the-tests")
            try await TestReplica.run(memory) {
                $0.tls = ServerTLS(keeper, callers: .fileServer)
                $0.metricsToken = token
            } _: { replica in
                let nobody = TransportTrust.authorities(try kit.anchors())
                let watching = try replica.transport(nobody, token: token)
                let metrics = try await watching.send(WireRequest(.GET, "/metrics"))
                #expect(metrics.status == 200)
                for path in ReplicaRoute.allCases.map(\.rawValue) where path.hasPrefix("/r1/") {
                    await expectError(.unauthorized, "\(path)") {
                        _ = try await watching.send(WireRequest(.GET, path))
                    }
                }
                // The cluster's token alone is not enough for anything.
                await expectError(.unauthorized) {
                    let transport = try replica.transport(nobody)
                    _ = try await transport.send(WireRequest(.GET, "/metrics"))
                }
            }
        }
    }

    @Test func `a replica's certificate does not make a FileServer`() async throws {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            try await run(kit, memory, kit.replica(memory.id)) { replica in
                let other = try kit.replica(.random(), called: "r2")
                try await refused(replica, .replica(other), "refused our certificate")
                // Nor does one that is good for asking, too.
                let request = CertificateRequest(
                    name: "x", hosts: [], role: .replica(.random()), isClient: true)
                try await refused(
                    replica, .replica(try kit.forged(request)), "refused our certificate")
                let nobody = CertificateRequest(name: "x", hosts: [], role: nil, isClient: true)
                try await refused(
                    replica, .replica(try kit.forged(nobody)), "refused our certificate")
            }
        }
    }

    @Test func `certificates of another CA are refused, on both sides`() async throws {
        try await CertificateKit.with { kit in
            try await CertificateKit.with { other in
                let memory = MemoryReplica()
                try await run(kit, memory, kit.replica(memory.id)) { replica in
                    try await refused(
                        replica, .replica(try other.fileServer()), "is not from the CA in")
                    // Who believes this replica, and shows what another CA has signed.
                    let keeper = try other.fileServer()
                    let mixed = try TLSKeeper(
                        TLSFiles(
                            certificate: keeper.files.certificate, key: keeper.files.key,
                            authority: try mixedAuthorities(kit, other)),
                        asksCallers: false)
                    try await refused(replica, .replica(mixed), "refused our certificate")
                }
            }
        }
    }

    /// A file with the authorities of both.
    private func mixedAuthorities(_ one: CertificateKit, _ two: CertificateKit) throws -> String {
        let path = "\(two.folder.path)/both.pem"
        let authorities = try [one, two].map { try CertificateKit.read($0.folder.authorityFile) }
        try CertificateKit.write(authorities[0] + authorities[1], to: path)
        return path
    }

    @Test func `an expired certificate is refused, on both sides`() async throws {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            let later = kit.now + 30 * CertificateKit.day
            let replicas = try kit.replica(memory.id, days: 60)
            // As it is when it started in time.
            let clock = SettableClock(kit.now)
            let expiring = try kit.replica(memory.id, days: 60, clock: { clock.now })
            let asking = try kit.fileServer(days: 20)
            let late = try TLSKeeper(
                kit.files("fileserver"), asksCallers: false, clock: { clock.now })
            try await run(kit, memory, expiring) { replica in
                _ = try await replica.remote(.replica(asking)).standing()
                clock.now = later
                try await refused(replica, .replica(asking), "refused our certificate")
            }
            clock.now = kit.now + 61 * CertificateKit.day
            try await run(kit, memory, replicas) { replica in
                try await refused(replica, .replica(late), "expired")
            }
        }
    }

    @Test func `a replica with the certificate of another one is misbehaving`() async throws {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            try await run(kit, memory, kit.replica(.random())) { replica in
                let remote = try replica.remote(.replica(kit.fileServer()))
                let error = await expectError(.misbehaving) { _ = try await remote.standing() }
                #expect(error?.message.contains("with the certificate of urn:depot") == true)
                await expectError(.conflict) { try await remote.put([SampleObjects.chunk(1)]) }
                #expect(memory.held.isEmpty)
            }
        }
    }

    @Test func `what is meant for one replica is not sent to another`() async throws {
        try await CertificateKit.with { kit in
            let memory = MemoryReplica()
            try await run(kit, memory, kit.replica(memory.id)) { replica in
                let transport = try replica.transport(.replica(kit.fileServer()))
                var request = WireRequest(.GET, "/health")
                request.replica = memory.id
                #expect(try await transport.send(request).status == 200)
                request.replica = .random()
                let error = await expectError(.misbehaving) {
                    _ = try await transport.send(request)
                }
                #expect(error?.message.contains("nothing was sent to it") == true)
                await expectError(.misbehaving) { _ = try await transport.open(request) }
            }
        }
    }

    @Test func `the FileServer's certificate does not make a replica`() async throws {
        try await CertificateKit.with { kit in
            let keeper = try kit.fileServer()
            try await run(kit, MemoryReplica(), keeper) { replica in
                try await refused(replica, .replica(keeper), "not a replica's")
            }
        }
    }
}
