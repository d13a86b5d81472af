import DepotCore
import Logging

// What a replica holds and what the catalog believes of it drift apart only by accident: a disk
// that was put back from an older copy, a catalog that was rebuilt without this replica, a deletion
// whose answer was lost. So the two are compared from the first object to the last. The list is
// made while the replica works: what it did not show is asked for once more, by a vouch, before
// anything is believed to be gone.

/// Compares what a replica holds with what the catalog believes, in both directions, and puts the
/// catalog right.
package struct InventoryComparer: Sendable {
    /// Entries of one page: half a MiB on the wire.
    package static let pageSize = 10_000
    /// What a copy takes on a disk at least: a header and a block.
    private static let copySpaceMin: UInt64 = 1_024
    /// So many are believed of any disk: it fills while it is asked.
    private static let copiesOnAny: UInt64 = 1 << 20

    package let context: ServerContext
    package let pool: ReplicaPool
    package let catalog: any InventoryCatalog & MembershipCatalog & CopyCatalog & RecordCatalog

    /// Goes through all that the replica holds. Afterwards every copy that it holds is known and,
    /// unless it was known to be bad, proved, and nothing is believed that is not there.
    ///
    /// The inventory is noted in the catalog as complete unless records were found that are newer
    /// than what the catalog knows of their names, and that it cannot have given itself: then
    /// something was committed that the catalog has lost, and must not be collected. Nor is it
    /// where the replica was started again meanwhile: a part of the list may be of before.
    package func compare(_ replica: ReplicaID) async throws(DepotError) -> InventoryComparison {
        let mark = try await catalog.mark()
        var records = InventoryComparison()
        var comparison = try await walk(replica) { unknown async throws(DepotError) in
            try await enter(unknown, on: replica, &records)
        }
        comparison.take(recordsOf: records)
        if let node = pool.node(of: replica), let heard = node.link.heard, heard.replica == replica
        {
            // Where that is news, this inventory is older.
            let continues = try await catalog.observe(heard.position, of: replica, asOf: mark)
            if !continues { node.note { $0.proofIsDue() } }
        }
        if let newer = comparison.newerListed.first?.record {
            try await catalog.noteUnexplained(newer.name, on: replica)
        } else {
            try await catalog.noteInventory(of: replica, asOf: mark)
        }
        pool.noteUnexplained(
            comparison.newerRecords, first: comparison.newerListed.first?.record.name, on: replica)
        note(comparison, replica)
        return comparison
    }

    /// The same without a word on records that the catalog does not know: each page's are handed
    /// over.
    package func walk(
        _ replica: ReplicaID,
        unknownRecords: ([ChunkID]) async throws(DepotError) -> Void
    ) async throws(DepotError) -> InventoryComparison {
        var comparison = InventoryComparison()
        var cursor: ObjectID?
        while true {
            let after = cursor
            let entries = try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                try await link.inventory(after: after, limit: Self.pageSize)
            }
            let page = InventoryPage(after: after, entries: entries, isLast: entries.isEmpty)
            comparison.count(entries)
            try checkRoom(comparison, of: replica)
            let findings = try await catalog.reconcile(page, of: replica)
            try await prove(findings, on: replica, &comparison)
            if !findings.unknownRecords.isEmpty {
                comparison.unknownRecords += findings.unknownRecords.count
                try await unknownRecords(findings.unknownRecords)
            }
            guard let last = entries.last else { return comparison }
            guard after.map({ last.id > $0 }) ?? true else {
                throw DepotError(
                    .unreachable,
                    "its inventory is not in order; is it a StorageReplica of this version?",
                    object: pool.name(of: replica))
            }
            cursor = last.id
            if Task.isCancelled {
                throw DepotError(.unreachable, "given up: the server is stopping")
            }
        }
    }

    /// A list that goes on for ever would fill the catalog: a disk has so many copies at most as it
    /// has room for.
    private func checkRoom(
        _ comparison: InventoryComparison, of replica: ReplicaID
    ) throws(DepotError) {
        guard let node = pool.node(of: replica),
            let standing = node.state.standing
        else { return }
        let room = max(standing.capacity, standing.usedBytes)
        let copies = comparison.chunks + comparison.records
        guard UInt64(copies) > Self.copiesOnAny + 2 * (room / Self.copySpaceMin) else { return }
        let error = DepotError(
            .misbehaving,
            "its inventory names \(copies) copies, more than have room in \(ByteCount(room))",
            object: pool.name(of: replica))
        pool.suspect(node, because: error)
        throw error
    }

    // MARK: Copies

    /// Asks for what is not certain: what did not show, and what the catalog has just learned of.
    private func prove(
        _ findings: InventoryFindings, on replica: ReplicaID,
        _ comparison: inout InventoryComparison
    ) async throws(DepotError) {
        for batch in findings.missing.batches(of: Self.pageSize) {
            let absent = try await vouch(Array(batch), replica)
            comparison.note(missing: absent)
        }
        for batch in findings.entered.batches(of: Self.pageSize) {
            let absent = try await vouch(Array(batch), replica)
            comparison.entered += batch.count - absent.count
        }
        if !findings.wrongLength.isEmpty {
            try await check(findings.wrongLength, replica)
            comparison.note(wrongLength: findings.wrongLength)
        }
    }

    /// - Returns: those that are not there.
    private func vouch(
        _ ids: [ObjectID], _ replica: ReplicaID
    ) async throws(DepotError) -> [ObjectID] {
        let mark = try await catalog.mark()
        let vouches = try await pool.ask(replica, within: .barrier) {
            link async throws(DepotError) in
            try await link.vouch(for: ids)
        }
        var chunks: [ChunkID: CheckVerdict] = [:]
        var records: [ChunkID: CheckVerdict] = [:]
        var absent: [ObjectID] = []
        for (id, vouch) in zip(ids, vouches) {
            let verdict: CheckVerdict = vouch == .durable ? .good : .absent
            if verdict == .absent { absent.append(id) }
            switch id.kind {
            case .chunk: chunks[id.hash] = verdict
            case .record: records[id.hash] = verdict
            }
        }
        if !chunks.isEmpty { try await catalog.settle(chunks, on: replica, asOf: mark) }
        if !records.isEmpty { try await catalog.settle(records: records, on: replica) }
        return absent
    }

    /// A chunk of another length cannot be what its id says: its replica is to look.
    private func check(_ chunks: [ChunkID], _ replica: ReplicaID) async throws(DepotError) {
        for batch in chunks.batches(of: 16) {
            let mark = try await catalog.mark()
            let verdicts = try await pool.ask(replica, within: .check) {
                link async throws(DepotError) in
                try await link.check(batch.map(ObjectID.chunk))
            }
            try await catalog.settle(
                Dictionary(zip(batch, verdicts)) { first, _ in first }, on: replica, asOf: mark)
        }
    }

    // MARK: Records

    private func enter(
        _ ids: [ChunkID], on replica: ReplicaID, _ comparison: inout InventoryComparison
    ) async throws(DepotError) {
        let reader = RecordReader(pool: pool)
        for batch in ids.batches(of: RecordReader.batchSize) {
            let found = try await reader.read(Array(batch), from: replica)
            for (id, found) in zip(batch, found) {
                switch found {
                case .absent: break
                case .unreadable: comparison.note(unreadable: id)
                case .foreign: comparison.foreignRecords += 1
                case .records(let batch):
                    let newer = try await catalog.enterOld(batch, on: replica)
                    if newer.isEmpty { comparison.oldRecords += batch.records.count }
                    comparison.note(newer: newer, of: batch)
                }
            }
        }
    }

    private func note(_ comparison: InventoryComparison, _ replica: ReplicaID) {
        if comparison.newerRecords > 0 {
            context.logger.critical(
                "a replica holds records that are newer than the catalog, and nothing is collected",
                metadata: [
                    "replica": "\(pool.name(of: replica))",
                    "records": "\(comparison.newerRecords)",
                    "first": "\(comparison.newerListed.first?.record.name.text ?? "")",
                ])
        }
        guard !comparison.isClean else { return }
        context.logger.notice(
            "a replica's inventory differed from the catalog",
            metadata: [
                "replica": "\(pool.name(of: replica))", "missing": "\(comparison.missing)",
                "entered": "\(comparison.entered)",
                "unknown records": "\(comparison.unknownRecords)",
                "unreadable records": "\(comparison.unreadableRecords)",
                "wrong length": "\(comparison.wrongLength)",
            ])
    }
}

/// What a comparison of one replica's inventory with the catalog found.
package struct InventoryComparison: Sendable, Hashable {
    /// So many of each kind are listed by id: of a disk that was wiped, all that a person can want
    /// to see.
    package static let listedMax = 100_000

    /// What the replica showed.
    package var chunks = 0
    package var chunkBytes: UInt64 = 0
    package var records = 0
    /// Copies of chunks, and records, that were believed to be there and are not; the first of
    /// them.
    package private(set) var missing = 0
    package private(set) var missingListed: [ObjectID] = []
    /// Copies that the catalog did not know of, and that are proved now.
    package var entered = 0
    /// Copies whose length is another one than the catalog has; they were checked by their replica.
    package private(set) var wrongLength = 0
    package private(set) var wrongLengthListed: [ChunkID] = []
    /// Batches of records that the catalog did not know, or could not explain.
    package var unknownRecords = 0
    /// Of names of which the catalog has newer word, or that it has let go.
    package var oldRecords = 0
    /// Not what their id says.
    package private(set) var unreadableRecords = 0
    package private(set) var unreadableListed: [ChunkID] = []
    package var foreignRecords = 0
    /// Newer than anything that the catalog knows of their names.
    package private(set) var newerRecords = 0
    package private(set) var newerListed: [AddressedRecord] = []

    /// Whether catalog and replica agreed.
    package var isClean: Bool {
        missing == 0 && entered == 0 && wrongLength == 0 && unknownRecords == 0
    }

    mutating func count(_ entries: [InventoryEntry]) {
        for entry in entries {
            switch entry.id.kind {
            case .chunk:
                chunks += 1
                chunkBytes += UInt64(entry.length)
            case .record: records += 1
            }
        }
    }

    mutating func note(missing ids: [ObjectID]) {
        missing += ids.count
        missingListed += ids.prefix(Self.listedMax - missingListed.count)
    }

    mutating func note(wrongLength ids: [ChunkID]) {
        wrongLength += ids.count
        wrongLengthListed += ids.prefix(Self.listedMax - wrongLengthListed.count)
    }

    mutating func note(unreadable id: ChunkID) {
        unreadableRecords += 1
        if unreadableListed.count < Self.listedMax { unreadableListed.append(id) }
    }

    mutating func note(newer records: [FileRecord], of batch: RecordBatch) {
        newerRecords += records.count
        for record in records where newerListed.count < Self.listedMax {
            guard let index = batch.records.firstIndex(of: record) else { continue }
            newerListed.append(
                AddressedRecord(record, at: RecordAddress(batch: batch.id, index: index)))
        }
    }

    mutating func take(recordsOf other: InventoryComparison) {
        oldRecords = other.oldRecords
        foreignRecords = other.foreignRecords
        (unreadableRecords, unreadableListed) = (other.unreadableRecords, other.unreadableListed)
        (newerRecords, newerListed) = (other.newerRecords, other.newerListed)
    }
}
