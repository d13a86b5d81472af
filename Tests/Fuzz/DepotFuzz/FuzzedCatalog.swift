import DepotCore
import DepotSQLiteCatalog
import FoundationEssentials

/// A small catalog with something of everything in it, and what a FileServer asks of it.
enum FuzzedCatalog {
    /// It stands still, so that an input does the same each time.
    static let clock = CatalogClock(elapsed: { .zero }, calendar: { 1_700_000_000 })

    private static let all = Set((1...3).map(replica))
    private static let deposit = DepositID(uuid: uuid(101))
    private static let retrieval = RetrievalID(uuid: uuid(102))

    private static func uuid(_ number: UInt8) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number))
    }

    private static func replica(_ number: UInt8) -> ReplicaID { ReplicaID(uuid: uuid(number)) }

    private static func chunks(_ seeds: Range<Int>) throws(DepotError) -> [ChunkReference] {
        var chunks: [ChunkReference] = []
        for seed in seeds {
            chunks.append(
                try ChunkReference(id: ChunkID(hashing: "chunk \(seed)"), length: 1_000 + seed))
        }
        return chunks
    }

    // MARK: Filling it

    static func make(in folder: String) async throws(DepotError) {
        let catalog = try await SQLiteCatalog.open(at: folder, clock: clock, versions: .usual)
        for number in 1...3 as ClosedRange<UInt8> {
            try await catalog.admit(
                Member(
                    replica: replica(number), name: "r\(number)", url: "http://r\(number):7401",
                    zone: "zone", capacity: ByteCount(1 << 40),
                    position: LogPosition(opens: 1, segment: 1, offset: 0)))
        }
        try await put("kept", chunks(0..<4), level: 2, catalog)
        try await put("kept", chunks(2..<6), level: 3, catalog)
        try await put("folder/gone", chunks(10..<12), level: 2, catalog)
        try await put("held", chunks(20..<21), level: 2, catalog)
        let (kept, gone, held) = try (
            FileName("kept"), FileName("folder/gone"), FileName("held")
        )
        _ = try await catalog.delete(gone, time: 3)
        _ = try await catalog.lock(
            VersionName(held), LockChange(until: 1_800_000_000, isHeld: true), time: 4,
            request: nil)
        _ = try await catalog.setPolicy(
            VersionPolicy(days: 1, last: 1), of: PolicyScope(prefix: "kept"), time: 4, request: nil)
        try await note(catalog)
        try await catalog.openDeposit(
            DepositOpening(deposit: deposit, level: .three, lease: .seconds(600)))
        _ = try await catalog.negotiate(deposit, chunks: chunks(30..<34), live: all, copies: 2)
        try await prove(chunks(30..<32), deposit, catalog)
        _ = try await catalog.openRetrieval(retrieval, of: [kept], lease: .seconds(600))
        try await catalog.setDraining(replica(3), true)
        try catalog.close()
    }

    /// What inventories, scrubs and the delivery of records leave.
    private static func note(_ catalog: SQLiteCatalog) async throws(DepotError) {
        let segment = SegmentInfo(
            id: SegmentID(number: 1, nonce: 2), bytes: 3, liveBytes: 3, liveCopies: 1,
            isSealed: true)
        try await catalog.noteSegments([segment], of: replica(1))
        try await catalog.noteScrub(
            of: segment.id, on: replica(1), bytes: 3, copies: 1, problems: 0, time: 5)
        for entry in try await catalog.outbox(limit: 2) {
            try await catalog.confirm([
                RecordConfirmation(
                    batch: entry.batch.id, on: [replica(1), replica(2)], isDone: true)
            ])
        }
        let strays = try chunks(50..<52).sorted { $0.id < $1.id }
        _ = try await catalog.reconcile(
            InventoryPage(
                after: nil,
                entries: strays.map {
                    InventoryEntry(id: .chunk($0.id), length: $0.length, segment: 1)
                }, isLast: true), of: replica(1))
        try await catalog.markUnused()
    }

    private static func prove(
        _ chunks: [ChunkReference], _ deposit: DepositID, _ catalog: SQLiteCatalog
    ) async throws(DepotError) {
        let durable = Dictionary(chunks.map { ($0, all) }) { first, _ in first }
        try await catalog.prove(
            BarrierProof(durable: durable), asOf: catalog.mark(), deposit: deposit)
    }

    /// A file; of one chunk where there is no more.
    private static func put(
        _ name: String, _ chunks: [ChunkReference], level: Int, _ catalog: SQLiteCatalog
    ) async throws(DepotError) {
        let deposit = DepositID.random()
        try await catalog.openDeposit(
            DepositOpening(
                deposit: deposit, level: ReplicationLevel(level), lease: .seconds(600)))
        var reference = ManifestReference(inline: chunks[0])
        if chunks.count > 1 {
            let text = chunks.map { "\($0.id)" }.joined()
            let manifest = try ChunkReference(id: ChunkID(hashing: text), length: 100)
            try await prove(chunks + [manifest], deposit, catalog)
            _ = try await catalog.stage(
                [ManifestPage(of: manifest, chunks: chunks, pieces: [], isLast: true)],
                deposit: deposit)
            reference = ManifestReference(stored: manifest)
        } else {
            try await prove(chunks, deposit, catalog)
        }
        _ = try await catalog.commit(
            [
                FileCommit(
                    name: FileName(name), manifest: reference,
                    size: chunks.reduce(0) { $0 + UInt64($1.length) },
                    metadata: FileMetadata(mode: 0o644, contentType: "text/plain"),
                    chunks: chunks.count)
            ], deposit: deposit, copiesRequired: level, time: 2)
        try await catalog.closeDeposit(deposit)
    }

    // MARK: Using it

    typealias Use = @Sendable (SQLiteCatalog) async throws -> Void

    static let uses = [reading, deciding, changing, reading + deciding + changing]

    private static let reading: [Use] = [
        { _ = try await $0.cluster() },
        { _ = try await $0.highestSequence() },
        { _ = try await $0.memberRevision() },
        { _ = try await $0.draining() },
        { _ = try await $0.forgotten() },
        { _ = try await $0.isPartial() },
        { _ = try await $0.policies() },
        { _ = try await $0.restorable(after: nil, limit: 9) },
        { _ = try await $0.totals(counting: all) },
        { _ = try await $0.census(counting: all, repairing: all) },
        { _ = try await $0.folder("", after: nil, limit: 9, within: .everything) },
        { _ = try await $0.folder("folder/", after: nil, limit: 9, within: .everything) },
        { _ = try await $0.files(at: 3, prefix: "", after: nil, limit: 9) },
        { _ = try await $0.deletedFiles(prefix: "", after: nil, limit: 9) },
        { _ = try await $0.purgePlan(FileName("kept"), isRecursive: true) },
        { catalog in
            for entry in try await catalog.files(prefix: "", after: nil, limit: 9).files {
                require(entry.size <= ByteCount.range.upperBound, "a file of no size")
                _ = try await catalog.chunks(of: entry.manifest, after: nil, limit: 9)
                _ = try await catalog.record(of: entry.name)
                _ = try await catalog.undelivered(entry.name)
            }
        },
        { catalog in
            for name in ["kept", "folder/gone", "held"] {
                _ = try await catalog.versions(of: FileName(name), before: nil, limit: 9)
            }
        },
        { catalog in
            for name in ["kept", "held"] { _ = try await catalog.known(FileName(name)) }
        },
        { catalog in
            let ids = try chunks(0..<60).map(\.id)
            _ = try await catalog.statuses(of: ids)
            _ = try await catalog.copies(of: ids)
            _ = try await catalog.visible(
                among: ids, within: NameReach(below: [FileName("folder")]))
            _ = try await catalog.files(using: ids[2], limit: 9)
            _ = try await catalog.vouched(among: ids, to: deposit)
            _ = try await catalog.read(among: ids, by: retrieval)
            _ = try await catalog.strays(among: ids, on: replica(1))
        },
        { catalog in
            for state in HoldingState.allCases {
                _ = try await catalog.holdings(on: replica(1), state: state, after: nil, limit: 9)
            }
        },
    ]

    private static let deciding: [Use] = [
        { catalog in
            for entry in try await catalog.outbox(limit: 9) {
                _ = try await catalog.names(ofRecords: [entry.batch.id])
            }
        },
        { _ = try await $0.shortfall(counting: all, limit: 9) },
        { _ = try await $0.surplus(counting: all, after: nil, limit: 9) },
        { _ = try await $0.losses(without: [replica(1)], after: nil, limit: 9) },
        { _ = try await $0.lossTotals(without: [replica(1)]) },
        { _ = try await $0.collectionPlan(grace: CollectionGrace(.zero)) },
        { _ = try await $0.depositLevel(deposit) },
        { catalog in
            for member in try await catalog.members() {
                _ = try await catalog.remainder(on: member.replica, counting: all)
                _ = try await catalog.segmentChecks(on: member.replica)
                _ = try await catalog.obsoleteRecords(on: member.replica, limit: 9)
                _ = try await catalog.isInventoryDue(of: member.replica)
                _ = try await catalog.observe(
                    member.position, of: member.replica, asOf: catalog.mark())
            }
        },
        { try await $0.check() },
    ]

    private static let changing: [Use] = [
        { _ = try await $0.negotiate(deposit, chunks: chunks(0..<40), live: all, copies: 2) },
        { try await $0.renewDeposit(deposit) },
        { try await $0.renewRetrieval(retrieval, lease: .seconds(90)) },
        {
            _ = try await $0.openRetrieval(
                .random(), of: [FileName("kept"), FileName("held")], lease: .seconds(9))
        },
        { try await put("more", chunks(0..<4), level: 2, $0) },
        { catalog in
            let entry = try await catalog.file(FileName("kept"))
            _ = try await catalog.changeLevel(
                of: entry.name, expected: entry.sequence, to: ReplicationLevel(1),
                copiesRequired: 1, counting: all, time: 9)
        },
        { _ = try await $0.revert(FileName("folder/gone"), to: nil, time: 9, request: nil) },
        {
            _ = try await $0.lock(
                VersionName(FileName("held")), LockChange(until: nil, isHeld: false), time: 9,
                request: nil)
        },
        { _ = try await $0.delete(FileName("kept"), time: 9) },
        { _ = try await $0.purge(FileName("kept"), time: 9, request: nil) },
        { _ = try await $0.forgetPurged(FileName("kept")) },
        { try await $0.forgetVersions(keptFor: .zero) },
        { try await $0.closeDeposit(deposit) },
        { try await $0.markUnused() },
        {
            _ = try await $0.unused(
                for: CollectionGrace(.zero), on: replica(1), after: nil, limit: 9)
        },
        {
            _ = try await $0.releaseUnused(
                chunks(0..<60).map(\.id), for: CollectionGrace(.zero), on: replica(1))
        },
        { _ = try await $0.reopenRecords(counting: all, clusterSize: 3) },
        { _ = try await $0.rewriteRecords(after: nil) },
        { _ = try await $0.makeClaim() },
        { try await $0.forget(replica(2)) },
        { _ = try await $0.catchUp() },
    ]
}
