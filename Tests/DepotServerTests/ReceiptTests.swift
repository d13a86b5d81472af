import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct ReceiptTests {
    private static let data = TestDepositor.data(64_000, seed: 270)

    private static func run(
        _ test: (TestDepot, ReceiptBody) async throws -> Void
    ) async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await test(depot, try await depot.deposit("file", data, level: 3))
        }
    }

    @Test func `a receipt is proved from what is read now, whatever became of the name`()
        async throws
    {
        try await Self.run { depot, receipt in
            let proof = try await depot.prove(receipt)
            #expect(proof.isProved && proof.copiesNow == 3 && proof.nameState == .current)
            #expect(proof.chunks == receipt.chunks + 1 && proof.short == 0)
            let stored = depot.replicas.reduce(0) { $0 + $1.chunkBytes }
            #expect(proof.bytesRead == stored)
            _ = try await depot.changeLevel("file", 3)
            try await depot.deposit("file", Self.data, level: 3)
            #expect(try await depot.prove(receipt).nameState == .sameContent)
            let newer = try await depot.deposit("file", TestDepositor.data(9, seed: 271), level: 3)
            let replaced = try await depot.prove(receipt)
            #expect(replaced.isProved && replaced.nameState == .replaced)
            #expect(replaced.newestSequence == newer.sequence)
            #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 204)
            #expect(try await depot.prove(receipt).nameState == .deleted)
            #expect(try await depot.collect().status == 200)
            let gone = try await depot.prove(receipt)
            #expect(!gone.isProved && gone.problem != nil)
        }
    }

    @Test func `an empty file is proved by its record, as replicas have it now`() async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            let receipt = try await depot.deposit("file", ByteBuffer(), level: 3)
            let proof = try await depot.prove(receipt)
            #expect(proof.isProved && proof.copiesNow == 3 && proof.chunks == 0)
            let record = try #require(
                depot.replicas[1].state.withLock { $0.objects.keys.first { $0.kind == .record } })
            depot.replicas[1].corrupt(record)
            let damaged = try await depot.prove(receipt)
            #expect(!damaged.isProved && damaged.copiesNow == 0 && damaged.problem != nil)
            #expect(try await depot.verify().exitCode == 1)
            try await depot.eventually("the record is mended") {
                try await depot.prove(receipt).isProved
            }
            try await depot.deposit("file", Self.data, level: 3)
            #expect(try await depot.prove(receipt).isProved == false)
        }
    }

    struct Refusal: Sendable {
        /// Replicas, of three, that hold the chunks and do not take the record.
        let replicas: Int
        let requireAll: Bool
        let isGiven: Bool
    }

    @Test(arguments: [
        Refusal(replicas: 0, requireAll: true, isGiven: true),
        Refusal(replicas: 1, requireAll: false, isGiven: true),
        Refusal(replicas: 1, requireAll: true, isGiven: false),
        Refusal(replicas: 2, requireAll: false, isGiven: false),
        Refusal(replicas: 3, requireAll: false, isGiven: false),
    ])
    func `a receipt is given when its record is durable on enough replicas, and not before`(
        refusal: Refusal
    ) async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            let file = try TestDepositor.file(Self.data)
            let all = file.chunks + file.manifest.objects
            let client = TestDepositor(depot)
            _ = try await client.open(level: 3, requireAll: refusal.requireAll)
            _ = try await client.negotiate(all)
            #expect(try await client.upload(all).status == 200)
            #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
            for link in depot.links.prefix(refusal.replicas) {
                link.inject(.refuse(DepotError(.busy, "not now")), into: .put, calls: .all)
            }
            let answer = try await client.commit("file", file.manifest)
            let result = try #require(try answer.json(CommitAnswerBody.self).results.first)
            #expect((result.receipt != nil) == refusal.isGiven)
            #expect(refusal.isGiven || result.error?.code == .notEnoughReplicas)
            for link in depot.links { link.heal() }
            let again = try await client.commit("file", file.manifest)
            let later = try #require(try again.json(CommitAnswerBody.self).results.first)
            #expect(later.receipt != nil)
            #expect(depot.replicas.count { $0.recordCount == 1 } >= 2)
        }
    }

    @Test func `fewer copies than promised are counted, whatever the catalog believes`()
        async throws
    {
        try await Self.run { depot, receipt in
            let chunks = try await depot.goodCopies("file").keys.sorted()
            depot.replicas[0].corrupt(chunks[0])
            depot.replicas[1].lose(chunks[1])
            depot.replicas[2].lose(chunks[1])
            let proof = try await depot.prove(receipt)
            #expect(!proof.isProved)
            #expect(proof.copiesNow == 0 || proof.copiesNow == 1)
            #expect(proof.short == 2)
            #expect(Set(proof.shortListed.map(\.chunk)) == Set(chunks.prefix(2)))
            let counts = proof.shortListed.sorted { $0.chunk < $1.chunk }.map(\.copies)
            #expect(counts == [2, 1])
            _ = try await depot.verify()
            #expect(try await depot.prove(receipt).isProved)
        }
    }

    enum Forgery: CaseIterable, Sendable { case copies, size, manifest, sequence, deposit }

    @Test(arguments: Forgery.allCases)
    func `a receipt that was changed proves nothing`(forgery: Forgery) async throws {
        try await Self.run { depot, receipt in
            let other = try await depot.deposit("other", TestDepositor.data(9, seed: 272), level: 3)
            let text = String(buffer: try WireJSON.encode(receipt))
            let forged =
                switch forgery {
                case .copies: text.replacing("\"copies\":3", with: "\"copies\":4")
                case .size: text.replacing("\"size\":64000", with: "\"size\":64001")
                case .manifest: text.replacing(receipt.manifest.hex, with: other.manifest.hex)
                case .sequence: text.replacing("\"newBytes\":64000", with: "\"newBytes\":1")
                case .deposit:
                    // Of no deposit that anybody knows, and more than there is.
                    text.replacing(
                        receipt.deposit.description, with: DepositID.random().description
                    ).replacing("\"copies\":3", with: "\"copies\":4")
                }
            try #require(forged != text, "\(text)")
            let body = try WireJSON.decode(ReceiptBody.self, from: ByteBuffer(string: forged))
            let proof = try await depot.prove(body)
            #expect(!proof.isProved && proof.problem != nil, "\(forged)")
        }
    }
}

extension FakeReplica {
    fileprivate var chunkBytes: UInt64 {
        state.withLock { state in
            state.objects.filter { $0.key.kind == .chunk }
                .reduce(0) { $0 + UInt64($1.value.bytes.readableBytes) }
        }
    }
}
