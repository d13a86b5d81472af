import DepotCore
import DepotTestSupport
import Testing

@testable import DepotSQLiteCatalog

/// What a small file costs the catalog. These numbers may go down.
@Suite struct TreeWriteTests {
    /// Of each of many files of one chunk that a deposit brings, at level 3: manifest and chunk.
    private static let ofNewFile = [
        // The chunk and its manifest, when they are proved; and that the chunk was counted.
        "chunk": 2, "sqlite_autoindex_chunk_1": 2,
        "pin": 3, "pin_chunk": 2,
        // What the manifest uses: its chunk, and itself.
        "manifest": 2, "reference": 2, "reference_chunk": 2,
        "record": 1, "sqlite_autoindex_record_1": 1, "record_pending": 1, "record_name": 1,
        "file": 1, "file_manifest": 1, "file_record": 1, "receipt": 1, "receipt_record": 1,
    ]

    @Test func `a new small file is few writes`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...3)
            let count = 100
            let deposit = try await fixture.open(level: 3)
            try await TreeWrites.count(in: catalog)
            var pages: [ManifestPage] = []
            var files: [FileCommit] = []
            var sent: [ChunkReference] = []
            for number in 0..<count {
                let chunks = try CatalogFixture.chunks(number..<number + 1)
                let file = try CatalogFixture.commit("file \(number)", chunks)
                files.append(file)
                sent += chunks + [file.manifest]
                pages.append(ManifestPage(of: file.manifest, chunks: chunks, isLast: true))
            }
            try await fixture.send(sent, to: CatalogFixture.replicas(1...3), in: deposit)
            #expect(try await catalog.stage(pages, deposit: deposit).isEmpty)
            _ = try await catalog.commit(files, deposit: deposit, copiesRequired: 3, time: 1)
            let written = try await TreeWrites.taken(from: catalog)
            // Of the lease, once for all.
            let ofEach = written.mapValues { $0 / count }.filter { $0.value > 0 }
            #expect(ofEach == Self.ofNewFile)
            print("catalog: \(ofEach.values.reduce(0, +)) tree writes for a new small file")
        }
    }
}
