import DepotCore
import DepotReplicaLink
import DepotTestSupport
import DepotWire
import NIOCore
import Synchronization
import Testing

/// An address can come to lead to another replica; what is meant for one never reaches another unnoticed.
@Suite(.timeLimit(.minutes(1))) struct IdentityTests {
    private let ids = [SampleObjects.chunk(1).id]

    @Test func `nothing is asked of a replica whose name is not known`() async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            let remote = try replica.remote()
            let error = await expectError(.conflict) { _ = try await remote.vouch(for: ids) }
            #expect(error?.message == "it is not settled which replica this is")
            await expectError(.conflict) { _ = try await remote.inventory(after: nil, limit: 1) }
            await expectError(.conflict) { try await remote.put([SampleObjects.chunk(1)]) }
            await expectError(.conflict) { _ = try await remote.read([SampleObjects.chunk(1).id]) }
            _ = try await remote.standing()
            #expect(try await remote.putDurably([SampleObjects.chunk(1)]) == [.durable])
        }
    }

    @Test func `every answer about data tells how far the log goes`() async throws {
        let base = MemoryReplica()
        try await TestReplica.run(base) { replica in
            let remote = try replica.remote()
            #expect(remote.heard == nil)
            let before = try await remote.standing()
            let vouches = try await remote.putDurably([SampleObjects.chunk(1)])
            #expect(vouches == [.durable])
            let after = try await base.standing()
            #expect(after.position > before.position)
            #expect(
                remote.heard == HeardPosition(replica: base.id, position: after.position))
        }
    }

    @Test func `another replica at the address is noticed`() async throws {
        let chosen = Chosen()
        try await TestReplica.run(chosen.first) { one in
            try await TestReplica.run(chosen.second) { two in
                // Connections go to the one or the other; nothing else changes.
                try await ScriptedServer.run { _, connection in
                    while let request = try await connection.message() {
                        let port = chosen.isSecond ? two.port : one.port
                        try await connection.send(Self.forwarded(request, to: port))
                    }
                } _: { door in
                    let transport = ChunkTransport(
                        endpoint: Endpoint(host: "127.0.0.1", port: door.port),
                        token: try AccessToken(TestReplica.token))
                    let remote = RemoteReplica(
                        transport: transport,
                        cluster: ClusterIdentity(
                            cluster: TestReplica.membership.cluster,
                            epoch: TestReplica.membership.epoch))
                    let id = try await remote.standing().replica
                    #expect(id == chosen.first.id)
                    #expect(try await remote.vouch(for: ids) == [.absent])
                    chosen.isSecond = true
                    let error = await expectError(.conflict) {
                        _ = try await remote.vouch(for: ids)
                    }
                    #expect(
                        error?.message == "replica \(chosen.second.id) answered, \(id) was asked")
                    // Seen once, it is another one; seen twice, whoever asks had time to object.
                    #expect(try await remote.standing().replica == chosen.second.id)
                    await expectError(.conflict) { _ = try await remote.vouch(for: ids) }
                    _ = try await remote.standing()
                    #expect(try await remote.vouch(for: ids) == [.absent])
                }
            }
        }
    }

    private static func forwarded(_ request: RawMessage, to port: Int) async throws -> ByteBuffer {
        let words = request.startLine.split(separator: " ").map(String.init)
        let plain = PlainRequest(words[0], words[1], body: request.body)
        return try await RawConnection.open(port: port) { connection in
            try await connection.send(plain.bytes)
            guard let answer = try await connection.message() else { return ByteBuffer() }
            var bytes = ByteBuffer(string: answer.startLine + "\r\n")
            for (name, value) in answer.headers { bytes.writeString("\(name): \(value)\r\n") }
            bytes.writeString("\r\n")
            bytes.writeImmutableBuffer(answer.body)
            return bytes
        }
    }

    private final class Chosen: Sendable {
        let first = MemoryReplica()
        let second = MemoryReplica()
        private let choice = Mutex(false)

        var isSecond: Bool {
            get { choice.withLock { $0 } }
            set { choice.withLock { $0 = newValue } }
        }
    }
}
