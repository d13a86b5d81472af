import DepotCertificates
import DepotCore
import DepotReplica
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What holds without TLS holds with it: bytes, limits, and errors that reach whoever caused them.
@Suite(.timeLimit(.minutes(2))) struct TLSTransportTests {
    private func run(
        _ storage: any ChunkStorage, id: ReplicaID,
        _ configure: (inout ReplicaServerConfiguration) -> Void = { _ in },
        _ body: (TestReplica, CertificateKit) async throws -> Void
    ) async throws {
        try await CertificateKit.with { kit in
            let keeper = try kit.replica(id)
            try await TestReplica.run(storage) {
                $0.tls = ServerTLS(keeper, callers: .fileServer)
                configure(&$0)
            } _: {
                try await body($0, kit)
            }
        }
    }

    @Test func `64 MiB from the disk come as they were put`() async throws {
        try await withFolder { folder in
            let store = try await openStore(at: folder)
            let id = try await store.standing().replica
            try await run(store, id: id) { replica, kit in
                let remote = try replica.remote(.replica(kit.fileServer()))
                _ = try await remote.standing()
                let objects = (0..<8).map { VerifiedObject.plain($0, size: Limits.chunkSizeMax) }
                let small = (0..<100).map { SampleObjects.chunk(UInt64($0), size: 3_000) }
                _ = try await remote.putDurably(objects + small)
                for batch in [objects, small] {
                    let read = try await remote.read(batch.map(\.id))
                    for (object, found) in zip(batch, read) {
                        #expect(try found?.collect() == object.contiguous)
                    }
                }
            }
            await store.close()
        }
    }

    @Test func `an error before the body's end reaches the sender`() async throws {
        let memory = MemoryReplica()
        try await run(memory, id: memory.id) { replica, kit in
            let keeper = try kit.fileServer()
            let known = try replica.remote(.replica(keeper))
            _ = try await known.standing()
            let stranger = try replica.remote(.replica(keeper), cluster: .random())
            _ = try await stranger.standing()
            let objects = (0..<16).map { VerifiedObject.plain($0, size: Limits.chunkSizeMax) }
            for _ in 0..<3 {
                await expectError(.clusterMismatch) { try await stranger.put(objects) }
            }
            #expect(try await known.putDurably([SampleObjects.chunk(1)]) == [.durable])
        }
    }

    @Test(arguments: [[], [UInt8](Array("\u{16}\u{03}\u{01}".utf8)), [22, 3, 1, 2, 0, 1, 0]])
    func `a handshake that stalls is cut like any stranger`(_ begun: [UInt8]) async throws {
        let memory = MemoryReplica()
        try await run(memory, id: memory.id) {
            $0.idleLimit = .milliseconds(500)
        } _: { replica, _ in
            let took = try await ContinuousClock().measure {
                try await RawConnection.open(port: replica.port) { connection in
                    if !begun.isEmpty { try await connection.send(ByteBuffer(bytes: begun)) }
                    _ = await connection.rest()
                }
            }
            #expect(took > .milliseconds(400) && took < .seconds(8))
        }
    }

    @Test func `plain HTTP is told the right way, and noise is cut`() async throws {
        let memory = MemoryReplica()
        try await run(memory, id: memory.id) { replica, kit in
            let answer = try await replica.answer(to: PlainRequest("GET", "/health"))
            #expect(answer?.status == 401)
            #expect(answer?.error?.message.contains("use https://") == true)
            let plain = try replica.transport(.system, isSecure: false)
            let error = await expectError(.unauthorized) {
                _ = try await plain.send(WireRequest(.GET, "/health"))
            }
            #expect(error?.message.contains("use https://") == true)
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send("\u{1}noise")
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    @Test func `TLS to a daemon without it is told the right way`() async throws {
        try await CertificateKit.with { kit in
            try await TestReplica.run(MemoryReplica()) { replica in
                let transport = try replica.transport(.authorities(kit.anchors()))
                let error = await expectError(.unauthorized) {
                    _ = try await transport.send(WireRequest(.GET, "/health"))
                }
                #expect(error?.message.contains("http:// instead of https://") == true)
            }
        }
    }

    @Test func `a client knows the server by its names`() async throws {
        let memory = MemoryReplica()
        try await run(memory, id: memory.id) { replica, kit in
            let anchors = try kit.anchors()
            let named = try replica.transport(.authorities(anchors), host: "localhost")
            #expect(try await named.send(WireRequest(.GET, "/health")).status == 200)
            let error = await expectError(.unauthorized) {
                let other = try replica.transport(.authorities(anchors), host: "127.1")
                _ = try await other.send(WireRequest(.GET, "/health"))
            }
            #expect(error?.message.contains("is for other names: r1, localhost") == true)
            let untrusted = await expectError(.unauthorized) {
                _ = try await replica.transport(.system).send(WireRequest(.GET, "/health"))
            }
            #expect(untrusted?.message.contains("that this machine trusts") == true)
        }
    }

    @Test func `connections are kept and used again`() async throws {
        let memory = MemoryReplica()
        try await run(memory, id: memory.id) { replica, kit in
            let transport = try replica.transport(.replica(kit.fileServer()))
            // More requests than the pool has connections, and than strangers have places.
            for _ in 0..<300 {
                #expect(try await transport.send(WireRequest(.GET, "/health")).status == 200)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        _ = try await transport.send(WireRequest(.GET, "/r1/standing"))
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
