import DepotCore
import Testing

// The catalog is lost now and then, and made again from what replicas hold, in the order in which a rebuild does it.
// Afterwards it gives all that it gave before, and what was on its way out where the replicas have it still.

/// What the replicas 1, 2 and 3 hold.
struct HeldObjects {
    static let replicas: ClosedRange<UInt8> = 1...3

    private var chunks: [UInt8: [ChunkID: ChunkReference]] = [:]
    private var batches: [UInt8: [ChunkID: RecordBatch]] = [:]

    mutating func take(_ new: [ChunkReference]) {
        for replica in Self.replicas {
            for chunk in new { chunks[replica, default: [:]][chunk.id] = chunk }
        }
    }

    mutating func take(_ batch: RecordBatch) {
        for replica in Self.replicas { batches[replica, default: [:]][batch.id] = batch }
    }

    mutating func remove(chunks gone: some Sequence<ChunkID>, on replica: UInt8) {
        for chunk in gone { chunks[replica]?[chunk] = nil }
    }

    mutating func remove(batches gone: some Sequence<ChunkID>, on replica: UInt8) {
        for batch in gone { batches[replica]?[batch] = nil }
    }

    func has(_ chunk: ChunkID) -> Bool { chunks.values.contains { $0[chunk] != nil } }

    func has(_ record: FileRecord) -> Bool { words(on: record.name.text).contains(record.sequence) }

    func batch(_ id: ChunkID, on replica: UInt8) -> RecordBatch? { batches[replica]?[id] }

    func inventory(of replica: UInt8) -> [InventoryEntry] {
        (chunks[replica] ?? [:]).values.map { CatalogFixture.entry($0) }
            + (batches[replica] ?? [:]).values.map { CatalogFixture.entry($0) }
    }

    /// The words on a name that a record of some replica says.
    func words(on name: String) -> Set<CommitSequence> {
        let records = batches.values.flatMap(\.values).flatMap(\.records)
        return Set(records.filter { $0.name.text == name }.map(\.sequence))
    }
}

extension VersionModel {
    /// What waits in the outbox: what a command was told is with a majority.
    ///
    /// - Parameter withRewritten: whether records that replicas have already are among it.
    mutating func deliver(withRewritten: Bool = true) async throws {
        for entry in try await fixture.catalog.outbox(limit: 1_000) {
            if !withRewritten, entry.batch.records.allSatisfy(held.has) { continue }
            held.take(entry.batch)
            try await fixture.catalog.confirm([
                RecordConfirmation(
                    batch: entry.batch.id,
                    on: CatalogFixture.replicas(HeldObjects.replicas).sorted(), isDone: true)
            ])
        }
    }

    /// Few that live are put together anew, and what says nothing any more goes from some replicas.
    mutating func collectRecords() async throws {
        var position: OutboxPosition?
        repeat {
            position = try await fixture.catalog.rewriteRecords(after: position)
        } while position != nil
        // What was rewritten may be on its way.
        if Bool.random(using: &random) { try await deliver() }
        for number in HeldObjects.replicas where Bool.random(using: &random) {
            let replica = CatalogFixture.replica(number)
            let obsolete = try await fixture.catalog.obsoleteRecords(on: replica, limit: 1_000)
            try await fixture.catalog.removeRecords(obsolete, on: replica)
            held.remove(batches: obsolete, on: number)
        }
    }

    mutating func rebuild() async throws {
        try await deliver(withRewritten: Bool.random(using: &random))
        let identity = try await fixture.catalog.cluster()
        fixture = try await remaking(
            fixture.catalog, ClusterIdentity(cluster: identity.cluster, epoch: identity.epoch + 1))
        let catalog = fixture.catalog
        try await fixture.admit(HeldObjects.replicas)
        for number in HeldObjects.replicas {
            let replica = CatalogFixture.replica(number)
            let found = try await fixture.show(held.inventory(of: number), of: number)
            try await catalog.enter(
                found.unknownRecords.compactMap { held.batch($0, on: number) }, on: replica)
            let chunks = found.entered.filter { $0.kind == .chunk }.map {
                ($0.hash, CheckVerdict.good)
            }
            try await catalog.settle(
                Dictionary(chunks) { first, _ in first }, on: replica, asOf: catalog.mark())
        }
        try await restoreNames()
        try await catalog.finishRebuild(missing: [])
        for name in words.keys { bringBack(name) }
    }

    private func restoreNames() async throws {
        var last: FileName?
        while true {
            let names = try await fixture.catalog.restorable(after: last, limit: 3)
            guard let name = names.last?.name else { return }
            let newest = names.compactMap(\.versions.first)
            #expect(newest.allSatisfy { isWhole($0.record) }, "what a name is now is kept")
            try await fixture.catalog.restore(newest.map(\.address))
            for name in names {
                let older = name.versions.dropFirst().filter { isWhole($0.record) }
                try await fixture.catalog.restoreVersions(older.map(\.address))
            }
            last = name
        }
    }

    private func isWhole(_ record: FileRecord) -> Bool {
        guard case .file(_, let manifest, _, _) = record.content else { return true }
        return manifest.chunk.map { held.has($0.id) } ?? true
    }

    /// What can be asked for of a name in the new catalog.
    private mutating func bringBack(_ name: String) {
        guard let newest = said[name]?.last else { return }
        // The clock on the wall is asked once for each lock.
        let locked = saidLocks[name] ?? [:]
        locks[name] = locked.mapValues { lock in
            let deadline = lock.until.map { elapsed + .seconds(max(0, $0 - calendar)) }
            return Lock(deadline: deadline, until: lock.until, isHeld: lock.isHeld)
        }
        let known = held.words(on: name)
        var back = [(said: newest, word: word(newest))]
        for said in (said[name] ?? []).dropLast().reversed() where known.contains(said.sequence) {
            let chunk = said.content?.chunk.id
            let isPurged = purged[name].map { said.sequence < $0 } ?? false
            if let chunk, !held.has(chunk) { continue }
            if isPurged, chunk.map({ locked[$0] == nil }) ?? true { continue }
            guard !keepsNothing(of: name), let next = back.last?.said else { continue }
            // One word that was said more than once.
            if next.began == said.began, Self.areSame(next.content, said.content) { continue }
            var word = word(said)
            word.ended = elapsed
            // Among words that were purged nobody knows what came after one that is locked.
            word.until = isPurged ? said.began : next.began
            word.asks = next.content?.chunk != said.content?.chunk
            back.append((said, word))
        }
        let isKept = { [purged] (word: Word) in
            word.content.map { locked[$0.chunk.id] != nil } ?? false
                || purged[name].map { word.sequence >= $0 } ?? true
        }
        if !keepsNothing(of: name) {
            let lost = Set((words[name] ?? []).filter(isKept).map(\.sequence))
                .subtracting(back.map(\.said.sequence))
            #expect(lost.isEmpty, "\(name): what is kept is on replicas")
        }
        words[name] = back.reversed().map(\.word)
    }

    private func word(_ said: Said) -> Word {
        Word(sequence: said.sequence, time: said.began, content: said.content)
    }
}
