import DepotCluster
import DepotCore

/// Reads what the replicas hold into the new catalog.
struct RebuildReading {
    /// Records of names that are restored in one transaction, with those of the last name.
    static let recordsAtOnce = 256
    /// Content of manifests in memory: a manifest and a piece of it.
    static let memory = 24 << 20

    let cluster: ClusterParts
    let catalog: any Catalog
    let nodes: [ReplicaNode]
    let progress: @Sendable (CatalogRebuilder.Progress) -> Void

    func fill(_ report: inout RebuildReport) async throws(DepotError) {
        var marks: [(ReplicaID, CatalogMark)] = []
        var found = Found()
        for replica in nodes.compactMap(\.replica) {
            marks.append((replica, try await catalog.mark()))
            report.copies += try await inventory(of: replica, &found)
        }
        for (replica, mark) in marks {
            try await catalog.noteInventory(of: replica, asOf: mark)
        }
        try await restore(&report, records: found.records)
        report.foreignRecords = found.foreign.count
        for id in found.unreadable.sorted() { report.note(unreadable: id) }
    }

    private struct Found {
        var records = 0
        var foreign: Set<ChunkID> = []
        /// Batches of which no sound copy was found so far.
        var unreadable: Set<ChunkID> = []
    }

    /// Enters the records that no replica before had shown soundly. The copies of the others are
    /// known by the comparison.
    private func inventory(
        of replica: ReplicaID, _ found: inout Found
    ) async throws(DepotError) -> Int {
        let reader = RecordReader(pool: cluster.pool)
        let name = cluster.pool.name(of: replica)
        progress(.inventory(replica: name, chunks: 0))
        var all = found
        let comparison = try await cluster.comparer.walk(replica) {
            ids async throws(DepotError) in
            for ids in ids.batches(of: RecordReader.batchSize) {
                var batches: [RecordBatch] = []
                for (id, read) in zip(ids, try await reader.read(Array(ids), from: replica)) {
                    switch read {
                    case .absent: break
                    case .unreadable: all.unreadable.insert(id)
                    case .foreign: all.foreign.insert(id)
                    case .records(let batch):
                        batches.append(batch)
                        all.unreadable.remove(id)
                        all.records += batch.records.count
                    }
                }
                try await catalog.enter(batches, on: replica)
            }
        }
        found = all
        progress(.inventory(replica: name, chunks: comparison.chunks))
        return comparison.chunks
    }

    // MARK: Names

    private func restore(
        _ report: inout RebuildReport, records: Int
    ) async throws(DepotError) {
        let restorer = ManifestRestorer(catalog: catalog, manifests: cluster.manifests)
        var (last, done): (FileName?, Int) = (nil, 0)
        while true {
            let names = try await catalog.restorable(after: last, limit: Self.recordsAtOnce)
            guard let name = names.last?.name else { return }
            var chosen: [(word: AddressedRecord, older: [AddressedRecord])] = []
            var missing: [RecordAddress] = []
            for name in names {
                let version = try await choose(among: name.versions, with: restorer, &report)
                if let version {
                    let word = name.versions[version]
                    let older = name.versions[version...].filter {
                        $0.record.sequence < word.record.sequence
                    }
                    chosen.append((word, older))
                }
                missing += Self.unexplained(name.versions, beside: version).map(\.address)
                done += name.versions.count
            }
            for part in chosen.map(\.word.address).batches(of: Self.recordsAtOnce) {
                try await catalog.restore(Array(part))
            }
            // What is locked of older words, and what is forgotten, the newest ones say.
            let versions = VersionRestorer(catalog: catalog, manifests: restorer)
            for (word, older) in chosen where !older.isEmpty {
                let result = try await versions.restore(older, before: word.record)
                report.versions += result.restored
                report.incompleteVersions += result.incomplete
            }
            if !missing.isEmpty { try await catalog.leaveUnexplained(missing) }
            last = name
            progress(.records(done: done, of: records))
        }
    }

    /// Those that are newer than the chosen one, and others with its sequence.
    private static func unexplained(
        _ versions: [AddressedRecord], beside chosen: Int?
    ) -> [AddressedRecord] {
        guard let chosen else { return versions }
        let record = versions[chosen].record
        return versions.filter {
            $0.record.sequence >= record.sequence && $0.record != record
        }
    }

    /// Takes the newest version that is whole.
    ///
    /// - Returns: its place; `nil` where there is none.
    private func choose(
        among versions: [AddressedRecord], with restorer: ManifestRestorer,
        _ report: inout RebuildReport
    ) async throws(DepotError) -> Int? {
        var lacking: (record: FileRecord, gap: FileGap)?
        for (index, version) in versions.enumerated() {
            let record = version.record
            switch record.content {
            case .deleted:
                report.tombstones += 1
                if let lacking { report.note(lacking.record, lacking.gap, restored: nil) }
                return index
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
                return index
            }
        }
        if let lacking { report.note(lacking.record, lacking.gap, restored: nil) }
        return nil
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
