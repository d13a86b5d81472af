import DepotCore
import DepotReplicaLink
import DepotTestSupport
import DepotWire
import NIOCore
import Synchronization
import Testing

/// What a replica answers is bounded before it is taken in. One that is broken, or is none, named free bytes near 2^64,
/// gave 480 MiB for 640 bytes asked, and listed segments without end: the FileServer trapped, or kept it all.
@Suite(.timeLimit(.minutes(5))) struct HostileReplicaTests {
    private static func remote(_ port: Int) throws -> RemoteReplica {
        RemoteReplica(
            transport: ChunkTransport(
                endpoint: Endpoint(host: "127.0.0.1", port: port),
                token: try AccessToken(TestReplica.token)),
            cluster: ClusterIdentity(cluster: .random(), epoch: 1))
    }

    private static func run(
        _ hostile: HostileReplica, _ body: (RemoteReplica) async throws -> Void
    ) async throws {
        try await hostile.run { port in
            let remote = try remote(port)
            _ = try await remote.standing()
            try await body(remote)
        }
    }

    private static let ids = SampleObjects.chunks(0..<8).map(\.id)

    struct Lie: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let path: String
        let answer: @Sendable (_ body: ByteBuffer) -> ByteBuffer
        let ask: @Sendable (RemoteReplica) async throws -> Void
        let said: String

        init(
            _ what: String, _ path: String, says said: String,
            _ answer: @escaping @Sendable (_ body: ByteBuffer) -> ByteBuffer,
            to ask: @escaping @Sendable (RemoteReplica) async throws -> Void
        ) {
            testDescription = what
            self.path = path
            self.said = said
            self.answer = answer
            self.ask = ask
        }
    }

    private static func frames(_ ids: [ObjectID], length: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        for id in ids {
            ObjectFrame(id: id, status: .present, length: length, replica: nil).write(to: &buffer)
            buffer.writeRepeatingByte(0, count: length)
        }
        return buffer
    }

    private static func inventory(_ ids: [ObjectID]) -> ByteBuffer {
        WireList.encode(ids.map { InventoryEntry(id: $0, length: 1, segment: 1) })
    }

    private static func segments(_ numbers: [UInt32]) -> ByteBuffer {
        let segments = numbers.map { number in
            """
            {"id":{"number":\(number),"nonce":1},"bytes":1,"liveBytes":0,"liveCopies":0,"isSealed":true}
            """
        }
        return ByteBuffer(string: "[\(segments.joined(separator: ","))]")
    }

    private static let sorted = ids.sorted()

    static let lies = [
        Lie("objects that are longer than what was asked for", "/r1/read", says: "bytes as") { _ in
            frames(ids, length: 1_000_000)
        } to: {
            _ = try await $0.read(ids, upTo: 640)
        },
        Lie("records that are longer than batches are", "/r1/read", says: "262144 are the most") {
            _ in
            frames([.record(ids[0].hash)], length: 263_000)
        } to: {
            _ = try await $0.read([.record(ids[0].hash)], upTo: 1 << 20)
        },
        Lie("objects that were not asked for", "/r1/read", says: "another object") { _ in
            frames(ids.reversed(), length: 1)
        } to: {
            _ = try await $0.read(ids, upTo: 640)
        },
        Lie("more objects than were asked for", "/r1/read", says: "another object") { _ in
            frames(ids + ids, length: 1)
        } to: {
            _ = try await $0.read(ids, upTo: 640)
        },
        Lie("fewer objects", "/r1/read", says: "fewer objects") { _ in
            frames([ids[0]], length: 1)
        } to: {
            _ = try await $0.read(ids, upTo: 640)
        },
        Lie("more verdicts than objects", "/r1/vouch", says: "9 verdicts for 8 objects") { _ in
            ByteBuffer(repeating: 1, count: 9)
        } to: {
            _ = try await $0.vouch(for: ids)
        },
        Lie("verdicts that are none", "/r1/check", says: "8 verdicts") { _ in
            ByteBuffer(repeating: 77, count: 8)
        } to: {
            _ = try await $0.check(ids)
        },
        Lie("that it deleted something else", "/r1/delete", says: "not asked to delete") { _ in
            WireList.encode([ids[1]])
        } to: {
            _ = try await $0.delete([ids[0]], token: CondemnToken(value: 1))
        },
        Lie("that it deleted one thing twice", "/r1/delete", says: "not asked to delete") { _ in
            WireList.encode([ids[0], ids[0]])
        } to: {
            _ = try await $0.delete([ids[0]], token: CondemnToken(value: 1))
        },
        Lie("an inventory that is longer than a page", "/r1/inventory", says: "more than the") {
            _ in
            inventory(sorted)
        } to: {
            _ = try await $0.inventory(after: nil, limit: 7)
        },
        Lie("an inventory that is not in order", "/r1/inventory", says: "not in order") { _ in
            inventory(sorted.reversed())
        } to: {
            _ = try await $0.inventory(after: nil, limit: 8)
        },
        Lie("an inventory that begins again", "/r1/inventory", says: "not in order") { _ in
            inventory(sorted)
        } to: {
            _ = try await $0.inventory(after: sorted[0], limit: 8)
        },
        Lie("segments that come twice", "/r1/segments", says: "not in order") { _ in
            segments([1, 1])
        } to: {
            _ = try await $0.segments(after: nil, limit: 10)
        },
        Lie("segments that begin again", "/r1/segments", says: "not in order") { _ in
            segments([1, 2])
        } to: {
            _ = try await $0.segments(after: 2, limit: 10)
        },
        Lie("more segments than a page has", "/r1/segments", says: "11 segments where 10") { _ in
            segments(Array(1...11))
        } to: {
            _ = try await $0.segments(after: nil, limit: 10)
        },
        Lie("a scrub that goes back", "/r1/scrub", says: "its next step begins") { _ in
            var step = ByteBuffer()
            step.writeMultipleIntegers(UInt8(1), UInt64(7), UInt64(1), UInt32(0))
            step.writeString("[]")
            return step
        } to: {
            _ = try await $0.scrub(SegmentID(number: 1, nonce: 1), from: 7, budget: 1)
        },
        Lie("a standing without end", "/r1/standing", says: "more than the") { _ in
            ByteBuffer(repeating: UInt8(ascii: " "), count: WireLimits.bodyBytesMax + 1)
        } to: {
            _ = try await $0.standing()
        },
    ]

    @Test(arguments: lies)
    func `an answer that no replica gives is used for nothing, and told of`(
        _ lie: Lie
    ) async throws {
        let hostile = HostileReplica()
        try await Self.run(hostile) { remote in
            hostile.say { target, body in target.hasPrefix(lie.path) ? lie.answer(body) : nil }
            let error = await expectError(.misbehaving) { try await lie.ask(remote) }
            #expect(error?.message.contains(lie.said) == true, "\(error)")
            #expect(error?.object?.contains("127.0.0.1") == true)
            hostile.say { _, _ in nil }
            let vouches = try await remote.vouch(for: Self.ids)
            #expect(vouches.count == Self.ids.count)
        }
    }

    @Test func `every number of a standing is bounded, or the standing is refused by name`()
        async throws
    {
        let hostile = HostileReplica()
        let golden = hostile.standing.replacing(
            "\"membership\":null",
            with: """
                "highestSequence":"00000001-0000000000000002",\
                "membership":{"cluster":"\(ClusterID.random())","epoch":1,"members":[]}
                """)
        try await Self.run(hostile) { remote in
            for mutation in NumberMutation.ofJSON(golden) {
                hostile.say { _, _ in ByteBuffer(string: mutation.text) }
                do throws(DepotError) {
                    let standing = try await remote.standing()
                    #expect(ByteCount.range.contains(standing.usedBytes))
                    #expect(ByteCount.range.contains(standing.freeBytes))
                    #expect(ByteCount.range.contains(standing.capacity))
                    #expect(standing.chunks < 1 << 60 && standing.position.opens < 1 << 60)
                } catch {
                    #expect(error.code == .misbehaving, "\(mutation): \(error)")
                }
            }
        }
    }

    @Test func `every number of lists and reports is bounded, or they are refused`() async throws {
        let hostile = HostileReplica()
        let segments = String(buffer: Self.segments([1]))
        let report = #"{"movedCopies":1,"movedBytes":1,"freedBytes":1,"pinnedBy":[]}"#
        try await Self.run(hostile) { remote in
            for mutation in NumberMutation.ofJSON(segments) + NumberMutation.ofJSON(report) {
                hostile.say { _, _ in ByteBuffer(string: mutation.text) }
                do throws(DepotError) {
                    if mutation.text.hasPrefix("[") {
                        let listed = try await remote.segments(after: nil, limit: 10)
                        #expect(listed.total { $0.bytes } <= ByteCount.range.upperBound)
                    } else {
                        let report = try await remote.compact(SegmentID(number: 1, nonce: 1))
                        #expect(report.freedBytes <= ByteCount.range.upperBound)
                    }
                } catch {
                    #expect(error.code == .misbehaving, "\(mutation): \(error)")
                }
            }
        }
    }
}
