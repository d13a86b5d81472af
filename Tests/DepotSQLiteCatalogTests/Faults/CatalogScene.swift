import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// A catalog with something of everything in it, and what is done to it while the disk fails.
struct CatalogScene {
    let deposit = DepositID.random()
    let cluster = ClusterIdentity(cluster: .random(), epoch: 7)

    /// One intention of the catalog. Those that take several transactions may be found between two of them.
    struct Step: Sendable, CustomTestStringConvertible {
        let name: String
        var isOneTransaction = true
        /// In a catalog that is being filled.
        var isRebuild = false
        /// In a catalog that keeps what names were, among that a file that was deleted.
        var hasVersions = false
        let run: @Sendable (CatalogFixture, CatalogScene) async throws -> Void

        var testDescription: String { name }
    }

    private static let fresh = 20..<26

    static let steps: [Step] = [
        Step(name: "negotiate") { fixture, scene in
            _ = try await fixture.catalog.negotiate(
                scene.deposit, chunks: CatalogFixture.chunks(0..<6), live: [], copies: 1)
        },
        Step(name: "prove") { fixture, scene in
            let durable = try CatalogFixture.chunks(fresh).map {
                ($0, CatalogFixture.replicas(1...3))
            }
            try await fixture.catalog.prove(
                BarrierProof(durable: Dictionary(durable) { first, _ in first }),
                asOf: fixture.catalog.mark(), deposit: scene.deposit)
        },
        Step(name: "commit") { fixture, scene in
            let chunks = try CatalogFixture.chunks(fresh)
            _ = try await fixture.outcome(
                CatalogFixture.commit("new", chunks), in: scene.deposit, copies: 2
            ).receipt
        },
        Step(name: "change of level") { fixture, _ in
            let entry = try await fixture.catalog.file(FileName("kept"))
            _ = try await fixture.catalog.changeLevel(
                of: entry.name, expected: entry.sequence, to: ReplicationLevel(1),
                copiesRequired: 1, counting: CatalogFixture.replicas(1...3), time: 9)
        },
        Step(name: "delete") { fixture, _ in
            _ = try await fixture.catalog.delete(FileName("kept"), time: 9)
        },
        Step(name: "delete, to a version", hasVersions: true) { fixture, _ in
            _ = try await fixture.catalog.delete(FileName("z"), time: 9)
        },
        Step(name: "revert", hasVersions: true) { fixture, _ in
            _ = try await fixture.catalog.revert(
                FileName("kept"), to: nil, time: 9, request: nil)
        },
        Step(name: "purge", hasVersions: true) { fixture, _ in
            _ = try await fixture.catalog.purge(FileName("z"), time: 9, request: nil)
        },
        Step(name: "forgetting what was purged", hasVersions: true) { fixture, _ in
            let purged = try await fixture.catalog.forgetPurged(FileName("kept"))
            #expect(purged.forgotten == 1)
        },
        Step(name: "lock", hasVersions: true) { fixture, _ in
            _ = try await fixture.catalog.lock(
                VersionName(FileName("z")),
                LockChange(until: CatalogFixture.calendarStart + 1_000, isHeld: nil), time: 9,
                request: nil)
        },
        Step(name: "release of a hold", hasVersions: true) { fixture, _ in
            let held = try #require(
                try await fixture.catalog.versions(of: FileName("held"), before: nil, limit: 9)
                    .last)
            _ = try await fixture.catalog.lock(
                VersionName(held.name, held.sequence), LockChange(until: nil, isHeld: false),
                time: 9, request: nil)
        },
        Step(name: "policy", hasVersions: true) { fixture, _ in
            _ = try await fixture.catalog.setPolicy(
                VersionPolicy(days: 1, last: 1), of: PolicyScope(prefix: "z"), time: 9,
                request: nil)
        },
        Step(name: "end of versions", hasVersions: true) { fixture, _ in
            try await fixture.catalog.forgetVersions(keptFor: .zero)
        },
        Step(name: "release") { fixture, _ in
            let released = try await fixture.catalog.release(
                CatalogFixture.chunks(0..<4).map(\.id), on: CatalogFixture.replica(3),
                hashedJustBefore: Dictionary(
                    CatalogFixture.chunks(0..<4).map {
                        ($0.id, CatalogFixture.replicas(1...2))
                    }
                ) { first, _ in first }, asOf: fixture.catalog.mark())
            #expect(released.count == 4)
        },
        Step(name: "collection, first step", isOneTransaction: false) { fixture, _ in
            try await fixture.catalog.markUnused()
        },
        Step(name: "collection, second step") { fixture, _ in
            let gone = try await fixture.catalog.releaseUnused(
                CatalogFixture.chunks(50..<54).map(\.id), for: .zero,
                on: CatalogFixture.replica(1))
            #expect(gone.count == 4)
        },
        Step(name: "rewriting of records") { fixture, _ in
            _ = try await fixture.catalog.rewriteRecords(after: nil)
            let outbox = try await fixture.catalog.outbox(limit: 100)
            #expect(outbox.count == 6, "that of the record that is left of three, too")
        },
        Step(name: "inventory") { fixture, _ in
            let entries = try CatalogFixture.chunks(60..<66).map {
                InventoryEntry(id: .chunk($0.id), length: $0.length, segment: 1)
            }
            _ = try await fixture.catalog.reconcile(
                InventoryPage(
                    after: nil, entries: entries.sorted { $0.id < $1.id }, isLast: true),
                of: CatalogFixture.replica(2))
        },
        Step(name: "forget") { fixture, _ in
            try await fixture.catalog.forget(CatalogFixture.replica(3))
        },
        Step(name: "forgetting to its end", isOneTransaction: false) { fixture, scene in
            try await fixture.catalog.closeDeposit(scene.deposit)
            try await fixture.catalog.forget(CatalogFixture.replica(2))
            while try await fixture.catalog.catchUp() {}
            // What was done for later is durable with the next change that is.
            try await fixture.admit(4...4)
        },
        Step(name: "restore of a manifest", isRebuild: true) { fixture, _ in
            let chunks = try CatalogFixture.chunks(fresh)
            try await fixture.catalog.restore(
                manifest: CatalogFixture.manifest(chunks), chunks: chunks, pieces: [])
        },
        Step(name: "entry of records", isRebuild: true) { fixture, scene in
            let records = try [scene.record("fourth", 4), scene.record("fifth", 5)]
            try await fixture.catalog.enter(
                RecordBatch.cut(records), on: CatalogFixture.replica(1))
        },
        Step(name: "restore of records", isRebuild: true) { fixture, scene in
            let batch = try scene.entered()
            try await fixture.catalog.restore(
                [0, 1].map { RecordAddress(batch: batch.id, index: $0) })
        },
        Step(name: "end of a rebuild", isRebuild: true) { fixture, _ in
            try await fixture.catalog.finishRebuild(missing: CatalogFixture.replicas(3...3))
        },
    ]

    /// Fills a fresh catalog; several files, a deposit under way, something deleted, something unused.
    func furnish(_ fixture: CatalogFixture) async throws {
        try await fixture.admit(1...3)
        try await fixture.deposit(
            "kept", CatalogFixture.chunks(0..<6), on: CatalogFixture.replicas(1...3), level: 2)
        try await fixture.deposit(
            "gone", CatalogFixture.chunks(40..<44), on: CatalogFixture.replicas(1...2))
        _ = try await fixture.catalog.delete(FileName("gone"), time: 3)
        let strays = try CatalogFixture.chunks(50..<54).sorted { $0.id < $1.id }
        _ = try await fixture.catalog.reconcile(
            InventoryPage(
                after: nil,
                entries: strays.map {
                    InventoryEntry(id: .chunk($0.id), length: $0.length, segment: 1)
                }, isLast: true), of: CatalogFixture.replica(1))
        try await fixture.depositTogether(["x", "y", "z"], on: CatalogFixture.replicas(1...2))
        for name in ["x", "y"] { _ = try await fixture.catalog.delete(FileName(name), time: 3) }
        let batch = try #require(
            try await fixture.catalog.outbox(limit: 100).first { $0.batch.records.count == 3 })
        try await fixture.catalog.confirm([
            RecordConfirmation(
                batch: batch.batch.id, on: CatalogFixture.replicas(1...2).sorted(), isDone: true)
        ])
        try await fixture.catalog.openDeposit(
            DepositOpening(
                deposit: deposit, level: ReplicationLevel(2), lease: CatalogFixture.lease))
        try await fixture.prepare(
            CatalogFixture.chunks(Self.fresh), on: CatalogFixture.replicas(1...2), in: deposit)
    }

    /// The same for a catalog that is being filled from replicas.
    func furnishRebuild(_ fixture: CatalogFixture) async throws {
        try await fixture.admit(1...3)
        let chunks = try CatalogFixture.chunks(0..<3)
        try await fixture.catalog.restore(
            manifest: CatalogFixture.manifest(chunks), chunks: chunks, pieces: [])
        try await fixture.catalog.restore(
            [record("first", 1)], on: CatalogFixture.replicas(1...2))
        try await fixture.catalog.enter([entered()], on: CatalogFixture.replica(2))
    }

    /// Records that are no word on their names yet.
    func entered() throws -> RecordBatch {
        try RecordBatch.cut([record("second", 2), record("third", 3)])[0]
    }

    func record(_ name: String, _ counter: UInt64) throws -> FileRecord {
        let commit = try CatalogFixture.commit(name, CatalogFixture.chunks(0..<3))
        return FileRecord(
            cluster: cluster.cluster, name: commit.name,
            sequence: CommitSequence(epoch: 2, counter: counter), time: 4,
            content: .file(
                level: try ReplicationLevel(2), manifest: commit.manifest, size: commit.size,
                metadata: commit.metadata))
    }

    /// A name that was deleted and purged, which is not done yet, and one that is held and deleted.
    private static func addVersions(_ catalog: SQLiteCatalog) async throws {
        let kept = try FileName("kept")
        _ = try await catalog.delete(kept, time: 4)
        _ = try await catalog.purge(kept, time: 5, request: nil)
        let held = try FileName("held")
        try await CatalogFixture(catalog: catalog) { _ in }.deposit(
            held.text, CatalogFixture.chunks(70..<72), on: CatalogFixture.replicas(1...2))
        _ = try await catalog.lock(
            VersionName(held), LockChange(until: nil, isHeld: true), time: 4, request: nil)
        _ = try await catalog.delete(held, time: 5)
    }

    /// Makes the catalog of a step in a new folder; open.
    func make(for step: Step, in folder: String) async throws -> SQLiteCatalog {
        let time = ManualClock()
        guard step.isRebuild else {
            let catalog = try await SQLiteCatalog.open(
                at: folder, clock: time.clock, versions: step.hasVersions ? .usual : .nothing)
            try await furnish(CatalogFixture(catalog: catalog) { _ in })
            if step.hasVersions { try await Self.addVersions(catalog) }
            return catalog
        }
        let catalog = try await SQLiteCatalog.makeForRebuild(
            in: folder, cluster: cluster, clock: time.clock)
        try await furnishRebuild(CatalogFixture(catalog: catalog) { _ in })
        return catalog
    }
}

extension SQLiteCatalog {
    /// With a clock that stands: what a catalog says must not depend on the time of the test.
    static func still(at folder: String) async throws -> SQLiteCatalog {
        try await open(at: folder, clock: ManualClock().clock)
    }

    /// Everything in it, and that it is sound. Deadlines are left out: opening renews them.
    func everything() async throws -> [String] {
        try await queue.view { session in
            let database = session.database
            var lines = try String.fetchAll(database, sql: "PRAGMA integrity_check")
            lines += try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map(\.description)
            guard lines == ["ok"] else { return lines }
            let tables = try String.fetchAll(
                database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
            for table in tables {
                let columns =
                    table == "deposit" ? "id, uuid, level, lease, deadline IS NULL, ended" : "*"
                lines += try Row.fetchAll(database, sql: "SELECT \(columns) FROM \(table)")
                    .map { "\(table) \($0)" }.sorted()
            }
            return lines
        }
    }

    /// Has the log written back after nearly every change, so that images show that, too.
    func checkpointOften() async throws {
        try await queue.change {
            try $0.database.execute(sql: "PRAGMA wal_autocheckpoint = 4")
        }
    }
}
