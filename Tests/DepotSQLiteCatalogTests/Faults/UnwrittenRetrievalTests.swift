import DepotCore
import DepotTestSupport
import Testing

@testable import DepotSQLiteCatalog

/// With the catalog's disk full nothing could be read, though no file lies there: a retrieval's lease is a row.
@Suite(.serialized) struct UnwrittenRetrievalTests {
    /// - Parameter isInline: the file is one chunk, and holds nothing else.
    @Test(arguments: [false, true])
    func `files are read while the catalog's disk takes nothing, and are held all the same`(
        isInline: Bool
    ) async throws {
        try await withFolder { folder in
            let disk = FaultyDisk(folder: folder + "/catalog")
            defer { disk.remove() }
            let time = ManualClock()
            let catalog = try await SQLiteCatalog.open(at: disk.folder, clock: time.clock)
            let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
            try await fixture.admit(1...1)
            var all = [try CatalogFixture.chunk("chunk")]
            if isInline {
                try await fixture.depositOnly("file", "chunk", on: 1...1)
            } else {
                let receipt = try await fixture.deposit(
                    "file", all, on: CatalogFixture.replicas(1...1))
                all.append(receipt.manifest.text)
            }
            let manifest = try await catalog.file(FileName("file")).manifest
            let (written, retrieval, forgotten) = (
                RetrievalID.random(), RetrievalID.random(), RetrievalID.random()
            )
            let lease = CatalogFixture.lease
            func open(_ id: RetrievalID) async throws -> [Result<FileEntry, DepotError>] {
                try await catalog.openRetrieval(
                    id, of: [FileName("file"), FileName("nothing")], lease: lease)
            }
            _ = try await open(written)

            disk.set(DiskFault(kind: .full, position: 1, lasts: true))
            for id in [retrieval, forgotten] {
                let found = try await open(id)
                #expect(try found[0].get().manifest == manifest)
                #expect(throws: DepotError.self) { try found[1].get() }
            }
            for _ in 0..<3 {
                time.advance(lease * 3 / 4)
                for id in [written, retrieval] {
                    try await catalog.renewRetrieval(id, lease: lease)
                }
            }
            await fixture.expect(.leaseEnded) {
                try await catalog.renewRetrieval(forgotten, lease: lease)
            }
            try await catalog.closeRetrieval(written)
            let listed = try await catalog.files(prefix: "", after: nil, limit: 10).files
            #expect(listed.count == 1)
            #expect(disk.fired > 0)

            disk.set(nil)
            // The first change that there is room for takes what is held along.
            _ = try await catalog.delete(FileName("file"), time: 1)
            try await fixture.deliver(on: 1...1)
            try await catalog.markUnused()
            let held = try await fixture.releaseUnused(all, on: 1, grace: .zero)
            #expect(held.isEmpty)
            try await catalog.closeRetrieval(retrieval)
            time.advance(lease)
            try await catalog.markUnused()
            let gone = try await fixture.releaseUnused(all, on: 1, grace: .zero)
            #expect(gone == Set(all.map(\.id)))
            try catalog.close()
        }
    }

    @Test func `a position that is not noted hides no log that went back`() {
        let noted = LogPosition(opens: 3, segment: 7, offset: 100)
        let cases: [(LogPosition, LogPosition)] = [
            (
                LogPosition(opens: 4, segment: 7, offset: 90),
                LogPosition(opens: 4, segment: 8, offset: 0)
            ),
            (
                LogPosition(opens: 2, segment: 9, offset: 0),
                LogPosition(opens: 5, segment: 9, offset: 1)
            ),
        ]
        for (back, onward) in cases {
            #expect(onward.continues(noted))
            #expect(!LogPosition(lowestOf: back, onward).continues(noted))
            #expect(!LogPosition(lowestOf: onward, back).continues(noted))
        }
        let later = LogPosition(opens: 3, segment: 8, offset: 0)
        #expect(LogPosition(lowestOf: noted, later).continues(noted))
    }
}
