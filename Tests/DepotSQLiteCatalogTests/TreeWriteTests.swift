import DepotCore
import DepotTestSupport
import Testing

@testable import DepotSQLiteCatalog

/// What a file of one chunk costs the catalog. These numbers may go down.
@Suite struct TreeWriteTests {
    /// Of each of many files of one chunk that a deposit brings, at level 3.
    private static let ofNewFile = [
        // When the chunk is proved. That it is pinned is a bit in a row for 32.
        "chunk": 1, "sqlite_autoindex_chunk_1": 1,
        "line": 1, "line_name": 1,
        // With its receipt.
        "file": 1, "file_manifest": 1, "file_record": 1,
    ]

    @Test func `a new small file is few writes`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...3)
            let count = 100
            let deposit = try await fixture.open(level: 3)
            try await TreeWrites.count(in: catalog)
            let chunks = try CatalogFixture.chunks(0..<count)
            let files = try chunks.map { try CatalogFixture.commit("file \($0.id)", only: $0) }
            try await fixture.send(chunks, to: CatalogFixture.replicas(1...3), in: deposit)
            _ = try await catalog.commit(files, deposit: deposit, copiesRequired: 3, time: 1)
            let written = try await TreeWrites.taken(from: catalog)
            // Of the lease, once for all.
            let ofEach = written.mapValues { $0 / count }.filter { $0.value > 0 }
            #expect(ofEach == Self.ofNewFile)
            print("catalog: \(ofEach.values.reduce(0, +)) tree writes for a new small file")
        }
    }
}
