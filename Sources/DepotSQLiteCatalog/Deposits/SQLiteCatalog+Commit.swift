import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// How many lacking chunks a commit names: enough for the next batches; the answer stays small.
    static let lackingMax = 10_000

    public func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> [CommitOutcome] {
        try await queue.change { session in
            var commit = try DepositCommit(
                of: deposit, copiesRequired: copiesRequired, time: time, session)
            return try files.map { try commit.outcome(of: $0) }
        }
    }
}

/// Commits files of one deposit, one after the other.
private struct DepositCommit {
    private let deposit: DepositID
    private let copiesRequired: Int
    private let time: Int64
    private let session: Session
    private let manifests: ManifestTable
    private let receipts: ReceiptTable
    private let chunks: ChunkTable
    private let counting: CommitCounts.Statements
    /// Asked for with the first file that is not committed already: a repeated commit needs none.
    private var lease: Leases.Deposit?

    init(
        of deposit: DepositID, copiesRequired: Int, time: Int64, _ session: Session
    ) throws {
        session.assertChange()
        self.deposit = deposit
        self.copiesRequired = copiesRequired
        self.time = time
        self.session = session
        manifests = try ManifestTable(session)
        receipts = ReceiptTable(session)
        chunks = try ChunkTable(session)
        counting = try CommitCounts.Statements(session)
    }

    mutating func outcome(of file: FileCommit) throws -> CommitOutcome {
        if let kept = try receipts.find(file.name, deposit: deposit) {
            return try repeated(file, kept)
        }
        let lease = try requireLease()
        guard try isAsExpected(file) else { return .overtaken }
        let manifest: Int64
        if file.manifest == .empty {
            manifest = ManifestTable.empty
        } else if let chunk = file.manifest.chunk {
            guard let known = try known(chunk) else { return .lacking([chunk]) }
            manifest = ManifestTable.number(ofInline: known.number)
        } else {
            manifest = try staged(file)
        }
        let counts = try CommitCounts(
            manifest: manifest, deposit: lease.number, copiesRequired: copiesRequired, by: counting)
        guard counts.lacking.isEmpty else { return .lacking(counts.lacking) }
        return try publish(file, manifest: manifest, counts: counts, lease: lease)
    }

    private func repeated(
        _ file: FileCommit, _ kept: ReceiptTable.Kept
    ) throws -> CommitOutcome {
        guard kept.receipt.manifest.id == file.manifest.id else {
            throw DepotError(
                .conflict,
                "deposit \(deposit) has committed this name with manifest "
                    + "\(kept.receipt.manifest.id), and not with \(file.manifest.id); "
                    + "use a new deposit id",
                object: file.name.text)
        }
        return .committed(kept.receipt, record: kept.record)
    }

    private mutating func requireLease() throws -> Leases.Deposit {
        if let lease { return lease }
        let live = try Leases(session).renew(deposit)
        guard copiesRequired >= live.level.majority else {
            throw DepotError(
                .invalidArgument,
                "a commit at level \(live.level) needs at least \(live.level.majority) copies, "
                    + "\(copiesRequired) were required",
                object: deposit.description)
        }
        lease = live
        return live
    }

    /// Costs nothing where anything will do.
    private func isAsExpected(_ file: FileCommit) throws -> Bool {
        guard file.expected != .anything else { return true }
        let found = try FileTable(session).known(file.name)
        return file.expected.holds(for: found?.entry.sequence)
    }

    /// The only chunk of a file; `nil` where no replica has vouched for it with that length.
    ///
    /// - Throws: `manifestInvalid` where replicas hold it with another length.
    private func known(_ chunk: ChunkReference) throws -> ChunkTable.Known? {
        guard let known = try chunks.find(chunk.id) else { return nil }
        try chunks.refuseContradiction(chunk, known)
        return known.length == chunk.length ? known : nil
    }

    private func staged(_ file: FileCommit) throws -> Int64 {
        guard file.size <= UInt64(Int64.max) else {
            throw DepotError(
                .invalidArgument, "no file has \(file.size) bytes", object: file.name.text)
        }
        let known = try manifests.complete(file.manifest.id)
        guard let known, known.length == file.manifest.length else {
            throw DepotError(
                .manifestInvalid,
                "the manifest \(file.manifest.id) of \(file.manifest.length) bytes was not staged "
                    + "to its end; send it again",
                object: file.name.text)
        }
        return known.number
    }

    private func publish(
        _ file: FileCommit, manifest: Int64, counts: CommitCounts, lease: Leases.Deposit
    ) throws -> CommitOutcome {
        let publication = Publication(session)
        let (record, number) = try publication.enter(
            name: file.name, time: time,
            content: .file(
                level: lease.level, manifest: file.manifest, size: file.size,
                metadata: file.metadata))
        try publication.put(record, manifest: manifest, number: number)
        let receipt = Receipt(
            deposit: deposit, name: file.name, sequence: record.sequence, manifest: file.manifest,
            size: file.size, level: lease.level,
            copies: counts.copies ?? min(lease.level.copies, file.reachable), chunks: file.chunks,
            newChunks: counts.new.count, newBytes: counts.newBytes,
            sharedBytes: counts.sharedBytes)
        try receipts.keep(receipt, deposit: lease.number, record: number)
        try counts.countAsShared(deposit: lease.number, session)
        return .committed(receipt, record: record)
    }
}
