import DepotCore
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

@Suite struct StagingTests {
    /// The manifests of a commit go to the catalog together, which takes all or none.
    @Test func `a manifest that gives chunks other lengths does not hold up the files beside it`()
        async throws
    {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(30_000, seed: 21))
            let other = try TestDepositor.file(TestDepositor.data(20_000, seed: 22))
            let forged = try Self.shifted(file)
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let all = file.chunks + other.chunks + [forged, other.manifest.objects[0]]
            _ = try await depositor.negotiate(all)
            _ = try await depositor.upload(all)
            _ = try await depositor.barrier(all)
            let files = [
                CommitBody.File(
                    name: try FileName("forged"), manifest: .init(stored: ChunkReference(forged)),
                    size: 30_000,
                    metadata: FileMetadata()),
                CommitBody.File(
                    name: try FileName("honest"), manifest: other.manifest.reference,
                    size: 20_000, metadata: FileMetadata()),
            ]
            let answer = try await depot.http.call(
                .POST, "/v1/deposits/\(depositor.deposit)/commits",
                body: [try WireJSON.encode(CommitBody(files: files))])
            let results = try answer.json(CommitAnswerBody.self).results
            #expect(results[0].error?.code == .manifestInvalid)
            #expect(results[1].receipt?.copies == 2)
        }
    }

    /// It is staged in pages. Of one whose first page had been refused the last one was taken, which made it complete: asked
    /// for once more, it was published, and the chunks of the first page belonged to nobody.
    @Test func `a manifest of which a page is refused is refused again`() async throws {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(
                TestDepositor.data(40_000, seed: 23), chunkSize: 4)
            let forged = try Self.shifted(file)
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let all = file.chunks + [forged]
            _ = try await depositor.negotiate(all)
            for batch in all.batches(of: 1_000) { _ = try await depositor.upload(Array(batch)) }
            _ = try await depositor.barrier(all)
            for _ in 0..<2 {
                let answer = try await depot.http.call(
                    .POST, "/v1/deposits/\(depositor.deposit)/commits",
                    body: [
                        try WireJSON.encode(
                            CommitBody(files: [
                                CommitBody.File(
                                    name: try FileName("forged"),
                                    manifest: .init(stored: ChunkReference(forged)), size: 40_000,
                                    metadata: FileMetadata())
                            ]))
                    ])
                let result = try answer.json(CommitAnswerBody.self).results[0]
                #expect(result.error?.code == .manifestInvalid)
            }
            let isStaged = try await depot.catalog.isStaged(manifest: forged.id.hash)
            #expect(!isStaged)
        }
    }

    /// A manifest of the same size whose first chunk is a byte longer, and whose second a byte shorter.
    private static func shifted(
        _ file: (chunks: [VerifiedObject], manifest: FinishedManifest)
    ) throws -> VerifiedObject {
        let chunks = file.chunks.map { ($0.id.hash.hex, $0.length) }
        try #require(chunks.count > 1)
        var text = String(buffer: file.manifest.objects[0].contiguous)
        for ((hex, length), change) in zip(chunks, [1, -1]) {
            text.replace("\(hex) \(length)\n", with: "\(hex) \(length + change)\n")
        }
        let forged = ByteBuffer(string: text)
        try #require(forged != file.manifest.objects[0].contiguous)
        _ = try Manifest(parsing: forged)
        return VerifiedObject(hashing: forged)
    }
}
