import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// Numbers in catalog.sqlite ended the FileServer at its start or at the first list: an epoch that no sequence has, a
/// counter at the end of its type. Every integer of every table becomes each extreme here, and then everything is used:
/// it works, or says that the catalog is damaged.
@Suite struct CatalogNumberTests {
    private struct Column: Sendable {
        let table: String
        let name: String
    }

    private static let numbers: [Int64] = [
        .min, -(1 << 60) - 1, -1, 0, 1, 63, 1 << 32, 1 << 53, 1 << 60, (1 << 60) + 1, 1 << 62,
        .max,
    ]

    private static func columns(_ file: String) throws -> [Column] {
        let database = try DatabaseQueue(path: file)
        defer { try? database.close() }
        return try database.read { database in
            let tables = try String.fetchAll(
                database,
                sql: "SELECT name FROM sqlite_master WHERE type = 'table' "
                    + "AND name NOT LIKE 'grdb%' AND name NOT LIKE 'sqlite%'")
            return try tables.flatMap { table in
                try database.columns(in: table).filter { $0.type == "INTEGER" }
                    .map { Column(table: table, name: $0.name) }
            }
        }
    }

    private static func set(_ column: Column, to number: Int64, _ file: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let database = try DatabaseQueue(path: file, configuration: configuration)
        try database.writeWithoutTransaction {
            try $0.execute(
                sql: """
                    PRAGMA ignore_check_constraints = ON;
                    UPDATE OR IGNORE \(column.table) SET \(column.name) = \(number);
                    PRAGMA wal_checkpoint(TRUNCATE);
                    """)
        }
        try database.close()
    }

    @Test func `every number of every row is told of or used, and never traps`() async throws {
        try await withFolder(inMemory: true) { folder in
            let catalog = try await CatalogScene().make(for: CatalogScene.steps[0], in: folder)
            try await Self.note(catalog)
            try catalog.close()
            let file = "\(folder)/\(SQLiteCatalog.fileName)"
            let whole = try Data(contentsOf: URL(fileURLWithPath: file))
            let columns = try Self.columns(file)
            #expect(columns.count > 50)
            for column in columns {
                for number in Self.numbers {
                    for suffix in ["-wal", "-shm"] {
                        try? FileManager.default.removeItem(atPath: file + suffix)
                    }
                    try whole.write(to: URL(fileURLWithPath: file))
                    try Self.set(column, to: number, file)
                    try await use(folder, "\(column.table).\(column.name) = \(number)")
                }
            }
        }
    }

    /// What a scrub leaves, so that there is a row of every table.
    private static func note(_ catalog: SQLiteCatalog) async throws {
        let segment = SegmentInfo(
            id: SegmentID(number: 1, nonce: 2), bytes: 3, liveBytes: 3, liveCopies: 1,
            isSealed: true)
        let replica = CatalogFixture.replica(1)
        try await catalog.noteSegments([segment], of: replica)
        try await catalog.noteScrub(
            of: segment.id, on: replica, bytes: 3, copies: 1, problems: 0, time: 5)
    }

    private func use(_ folder: String, _ when: Comment) async throws {
        do {
            let catalog = try await SQLiteCatalog.still(at: folder)
            defer { do { try catalog.close() } catch { Issue.record("\(error); \(when)") } }
            // Each by itself: what one refuses says nothing of the others.
            for use in Self.uses {
                do {
                    try await use(catalog)
                } catch let error as DepotError {
                    #expect(error.code != .internalError, "\(error); \(when)")
                }
            }
        } catch let error as DepotError {
            #expect(error.code != .internalError, "\(error); \(when)")
        }
    }

    private typealias Use = @Sendable (SQLiteCatalog) async throws -> Void
    private static let all = CatalogFixture.replicas(1...3)
    private static let uses: [Use] = [
        { _ = try await $0.totals(counting: all) },
        { _ = try await $0.highestSequence() },
        { _ = try await $0.outbox(limit: 100) },
        { catalog in
            for member in try await catalog.members() {
                _ = try await catalog.observe(
                    member.position, of: member.replica, asOf: catalog.mark())
                let checks = try await catalog.segmentChecks(on: member.replica)
                #expect(checks.total { $0.bytes } >= 0 && checks.total { $0.copies } >= 0)
                _ = try await catalog.remainder(on: member.replica, counting: all)
                _ = try await catalog.obsoleteRecords(on: member.replica, limit: 10)
            }
        },
        { catalog in
            for entry in try await catalog.files(prefix: "", after: nil, limit: 100).files {
                _ = try await catalog.chunks(of: entry.manifest, after: nil, limit: 100)
                #expect(entry.size <= ByteCount.range.upperBound)
            }
        },
        { catalog in
            let names = try [FileName("kept")]
            let retrieval = RetrievalID.random()
            _ = try await catalog.openRetrieval(retrieval, of: names, lease: .seconds(9))
            try await catalog.renewRetrieval(retrieval, lease: .seconds(90))
        },
        { _ = try await $0.shortfall(counting: all, limit: 100) },
        { _ = try await $0.surplus(counting: all, after: nil, limit: 100) },
        { _ = try await $0.losses(without: [CatalogFixture.replica(1)], after: nil, limit: 100) },
        { _ = try await $0.lossTotals(without: [CatalogFixture.replica(1)]) },
        { catalog in
            try await CatalogFixture(catalog: catalog) { _ in }
                .deposit("more", CatalogFixture.chunks(0..<4), on: all)
        },
        { catalog in
            let entry = try await catalog.file(FileName("kept"))
            _ = try await catalog.changeLevel(
                of: entry.name, expected: entry.sequence, to: ReplicationLevel(1),
                copiesRequired: 1, counting: all, time: 9)
        },
        { _ = try await $0.delete(FileName("kept"), time: 9) },
        { try await $0.markUnused() },
        { _ = try await $0.collectionPlan(grace: .zero) },
        { catalog in
            _ = try await catalog.releaseUnused(
                CatalogFixture.chunks(0..<60).map(\.id), for: .zero, on: CatalogFixture.replica(1))
        },
        { _ = try await $0.reopenRecords(counting: all, clusterSize: 3) },
        { try await $0.forget(CatalogFixture.replica(2)) },
    ]
}
