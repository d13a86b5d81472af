import DepotCore
import Testing

/// What stories of upkeep speak of.
extension CatalogFixture {
    public static let grace = Duration.seconds(86_400)

    static func entry(_ chunk: ChunkReference) -> InventoryEntry {
        InventoryEntry(id: .chunk(chunk.id), length: chunk.length, segment: 1)
    }

    static func entry(_ record: FileRecord) -> InventoryEntry {
        InventoryEntry(id: record.encoded().id, length: 400, segment: 1)
    }

    static func entry(_ batch: RecordBatch) -> InventoryEntry {
        InventoryEntry(id: batch.object.id, length: batch.object.length, segment: 1)
    }

    /// Shows a whole inventory, in pages of so many entries.
    func show(
        _ entries: [InventoryEntry], of number: UInt8, pageSize: Int = 1_000
    ) async throws -> InventoryFindings {
        let sorted = entries.sorted { $0.id < $1.id }
        var all = InventoryFindings()
        var start = 0
        repeat {
            let page = Array(sorted[start..<min(sorted.count, start + pageSize)])
            let found = try await catalog.reconcile(
                InventoryPage(
                    after: start == 0 ? nil : sorted[start - 1].id, entries: page,
                    isLast: start + pageSize >= sorted.count), of: Self.replica(number))
            all.missing += found.missing
            all.entered += found.entered
            all.unknownRecords += found.unknownRecords
            all.wrongLength += found.wrongLength
            start += pageSize
        } while start < sorted.count
        return all
    }

    /// Says that whole inventories were taken just now.
    public func inventory(_ numbers: ClosedRange<UInt8>) async throws {
        // A mark equals the last change's tick; what was in place before must be older than it.
        try await admit(numbers.lowerBound...numbers.lowerBound)
        for number in numbers {
            try await catalog.noteInventory(of: Self.replica(number), asOf: catalog.mark())
        }
    }

    /// These vouch for all records of the outbox, which is empty then if they are all that are wanted.
    public func deliver(on numbers: ClosedRange<UInt8>, isDone: Bool = true) async throws {
        let entries = try await catalog.outbox(limit: 1_000)
        try await catalog.confirm(
            entries.map {
                RecordConfirmation(
                    batch: $0.batch.id, on: Self.replicas(numbers).sorted(), isDone: isDone)
            })
    }

    /// One commit of files of one chunk each.
    ///
    /// - Returns: what keeps their records.
    @discardableResult
    public func depositTogether(
        _ names: [String], on replicas: Set<ReplicaID>
    ) async throws -> RecordBatch {
        let deposit = try await open(level: replicas.count)
        let chunks = try names.map { try Self.chunk("together \($0)") }
        try await send(chunks, to: replicas, in: deposit)
        let outcomes = try await catalog.commit(
            zip(names, chunks).map { try Self.commit($0, only: $1) }, deposit: deposit,
            copiesRequired: replicas.count, time: 1)
        try await catalog.closeDeposit(deposit)
        let batches = outcomes.compactMap { outcome -> RecordBatch? in
            if case .committed(_, let batch) = outcome { batch } else { nil }
        }
        #expect(batches.count == names.count && Set(batches).count == 1)
        return try #require(batches.first)
    }

    /// The newest record that waits in the outbox.
    func lastRecord() async throws -> FileRecord {
        try #require(try await catalog.outbox(limit: 1_000).last).record
    }

    /// All members vouch for the tombstone, and for all else in the outbox.
    func delete(_ name: String) async throws -> FileRecord {
        let record = try await catalog.delete(FileName(name), time: 1)
        let all = try await catalog.members().map(\.replica)
        try await catalog.confirm(
            catalog.outbox(limit: 1_000).map {
                RecordConfirmation(batch: $0.batch.id, on: all, isDone: true)
            })
        return record
    }

    /// Chunks that a collection would delete on the replica now.
    public func ready(on number: UInt8, grace: Duration = CatalogFixture.grace) async throws -> Set<
        ChunkID
    > {
        try await Set(
            catalog.unused(for: grace, on: Self.replica(number), after: nil, limit: 1_000).map(\.id)
        )
    }

    /// Which of these let their copy go.
    public func releaseUnused(
        _ chunks: [ChunkReference], on number: UInt8, grace: Duration = CatalogFixture.grace
    ) async throws -> Set<ChunkID> {
        try await Set(
            catalog.releaseUnused(chunks.map(\.id), for: grace, on: Self.replica(number)))
    }

    /// Both steps of a collection of everything, grace time between, as if no replica failed.
    func collect(on numbers: ClosedRange<UInt8>) async throws {
        try await catalog.markUnused()
        advance(Self.grace)
        for number in numbers {
            let chunks = try await ready(on: number).sorted()
            let gone = try await catalog.releaseUnused(
                chunks, for: Self.grace, on: Self.replica(number))
            try await catalog.removeReleased(gone, on: Self.replica(number))
        }
    }

    public func obsolete(on number: UInt8) async throws -> Set<ChunkID> {
        try await Set(catalog.obsoleteRecords(on: Self.replica(number), limit: 100))
    }
}

extension FileRecord {
    var hash: ChunkID { encoded().id.hash }
}

extension OutboxEntry {
    /// Of a commit of one file.
    public var record: FileRecord { batch.records[0] }
}

extension InventoryCatalog {
    /// - Returns: whether it was entered.
    func enterOld(_ record: FileRecord, on replica: ReplicaID) async throws(DepotError) -> Bool {
        try await enterOld(RecordBatch(record), on: replica).isEmpty
    }
}

extension RestorationCatalog {
    /// Enters records, each alone, and makes them the words on their names.
    public func restore(
        _ records: [FileRecord], on replicas: Set<ReplicaID>
    ) async throws(DepotError) {
        let batches = records.map { RecordBatch($0) }
        for replica in replicas { try await enter(batches, on: replica) }
        try await restore(batches.map { RecordAddress(batch: $0.id, index: 0) })
    }
}

/// One grace time for all.
extension CollectionCatalog {
    public func collectionPlan(grace: Duration) async throws(DepotError) -> CollectionPlan {
        try await collectionPlan(grace: CollectionGrace(grace))
    }

    public func unused(
        for grace: Duration, on replica: ReplicaID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference] {
        try await unused(
            for: CollectionGrace(grace), on: replica, after: cursor, limit: limit)
    }

    public func releaseUnused(
        _ chunks: [ChunkID], for grace: Duration, on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID] {
        try await releaseUnused(chunks, for: CollectionGrace(grace), on: replica)
    }
}
