import DepotCluster
import DepotCore

/// Reads what the replicas hold into the new catalog.
struct RebuildReading {
    /// Records that are read, and entered in one transaction, with those of the last name.
    static let batchSize = 256
    /// Content of manifests in memory: a manifest and a piece of it.
    static let memory = 24 << 20

    let cluster: ClusterParts
    let catalog: any Catalog
    let nodes: [ReplicaNode]
    let progress: @Sendable (CatalogRebuilder.Progress) -> Void

    func fill(_ report: inout RebuildReport) async throws(DepotError) {
        let replicas = nodes.compactMap(\.replica)
        var ledger = RecordLedger(replicas: replicas)
        var marks: [CatalogMark] = []
        for (number, replica) in replicas.enumerated() {
            marks.append(try await catalog.mark())
            report.copies += try await inventory(of: replica, number: number, into: &ledger)
        }
        let restorer = ManifestRestorer(catalog: catalog, manifests: cluster.manifests)
        try await restore(&ledger, with: restorer, &report)
        for (replica, mark) in zip(replicas, marks) {
            try await catalog.noteInventory(of: replica, asOf: mark)
        }
        report.foreignRecords = ledger.foreign.count
        for id in ledger.unreadable.sorted() { report.note(unreadable: id) }
    }

    private func inventory(
        of replica: ReplicaID, number: Int, into ledger: inout RecordLedger
    ) async throws(DepotError) -> Int {
        let reader = RecordReader(pool: cluster.pool)
        let name = cluster.pool.name(of: replica)
        progress(.inventory(replica: name, chunks: 0))
        var found = ledger
        let comparison = try await cluster.comparer.walk(replica) {
            ids async throws(DepotError) in
            for batch in found.note(ids, on: number).batches(of: RecordReader.batchSize) {
                let records = try await reader.read(Array(batch), from: replica)
                for (id, record) in zip(batch, records) { found.take(id, record, on: number) }
            }
        }
        ledger = found
        progress(.inventory(replica: name, chunks: comparison.chunks))
        return comparison.chunks
    }

    // MARK: Names

    private func restore(
        _ ledger: inout RecordLedger, with restorer: ManifestRestorer, _ report: inout RebuildReport
    ) async throws(DepotError) {
        let names = ledger.names()
        var batch: [ArraySlice<RecordLedger.Entry>] = []
        var size = 0
        for (index, name) in names.enumerated() {
            batch.append(name)
            size += name.count
            guard size >= Self.batchSize || index == names.count - 1 else { continue }
            try await restore(batch, of: ledger, with: restorer, &report)
            (batch, size) = ([], 0)
            progress(.names(done: index + 1, of: names.count))
        }
    }

    private func restore(
        _ batch: [ArraySlice<RecordLedger.Entry>], of ledger: RecordLedger,
        with restorer: ManifestRestorer, _ report: inout RebuildReport
    ) async throws(DepotError) {
        let records = try await read(batch.flatMap { $0 }, ledger)
        var newest: [RestoredRecord] = []
        var older: [RestoredRecord] = []
        for name in batch {
            let versions = name.compactMap { entry -> RestoredRecord? in
                guard let record = records[entry.id] else {
                    report.note(unreadable: entry.id)
                    return nil
                }
                return RestoredRecord(record: record, holders: Set(ledger.holders(of: entry)))
            }
            let (chosen, rest) = try await choose(among: versions, with: restorer, &report)
            if let chosen { newest.append(chosen) }
            older += rest
        }
        if !newest.isEmpty { try await catalog.restore(newest) }
        try await enter(older: older)
    }

    /// Takes the newest version that is whole.
    ///
    /// - Returns: it, and those that are older.
    private func choose(
        among versions: [RestoredRecord], with restorer: ManifestRestorer,
        _ report: inout RebuildReport
    ) async throws(DepotError) -> (RestoredRecord?, ArraySlice<RestoredRecord>) {
        var lacking: (record: FileRecord, gap: FileGap)?
        for (index, version) in versions.enumerated() {
            let record = version.record
            switch record.content {
            case .deleted:
                report.tombstones += 1
                if let lacking { report.note(lacking.record, lacking.gap, restored: nil) }
                return (version, versions[(index + 1)...])
            case .file(_, let manifest, let size, _):
                let gap = try await restorer.restore(manifest)
                guard gap.isEmpty else {
                    lacking = lacking ?? (record, gap)
                    continue
                }
                report.files += 1
                report.bytes += size
                if let lacking {
                    report.note(lacking.record, lacking.gap, restored: record.sequence)
                }
                return (version, versions[(index + 1)...])
            }
        }
        if let lacking { report.note(lacking.record, lacking.gap, restored: nil) }
        return (nil, [])
    }

    /// Those that have newer word are known from now on, so that they go when it is their time.
    private func enter(older: [RestoredRecord]) async throws(DepotError) {
        for version in older {
            for replica in version.holders {
                _ = try await catalog.enterOld(version.record, on: replica)
            }
        }
    }

    /// Asks the holders of each, one after the other, until one gives it soundly.
    private func read(
        _ entries: [RecordLedger.Entry], _ ledger: RecordLedger
    ) async throws(DepotError) -> [ChunkID: FileRecord] {
        let reader = RecordReader(pool: cluster.pool)
        var records: [ChunkID: FileRecord] = [:]
        var queues = entries.map { (id: $0.id, holders: ledger.holders(of: $0)) }
        while true {
            var asking: [ReplicaID: [ChunkID]] = [:]
            for index in queues.indices
            where records[queues[index].id] == nil && !queues[index].holders.isEmpty {
                let holder = queues[index].holders.removeFirst()
                asking[holder, default: []].append(queues[index].id)
            }
            if asking.isEmpty { return records }
            let work = asking
            let answers = await gather(work.keys) { replica async throws(DepotError) in
                try await reader.read(work[replica] ?? [], from: replica)
            }
            for (replica, answer) in answers {
                guard case .success(let found) = answer else { continue }
                for (id, record) in zip(work[replica] ?? [], found) {
                    if case .record(let record) = record { records[id] = record }
                }
            }
        }
    }
}

extension RebuildReport {
    fileprivate mutating func note(
        _ record: FileRecord, _ gap: FileGap, restored: CommitSequence?
    ) {
        note(
            Incomplete(
                name: record.name, sequence: record.sequence, problem: gap.description,
                restored: restored))
    }

    fileprivate mutating func note(unreadable id: ChunkID) {
        unreadableRecords += 1
        if unreadableListed.count < Self.listedMax { unreadableListed.append(id) }
    }
}
