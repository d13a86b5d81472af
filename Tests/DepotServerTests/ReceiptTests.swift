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
