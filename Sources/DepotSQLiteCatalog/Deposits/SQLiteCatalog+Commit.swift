import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// How many lacking chunks a commit names: enough for the next batches; the answer stays small.
    static let lackingMax = 10_000

    public func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64,
        hearing word: BarrierWord?
    ) async throws(DepotError) -> [CommitOutcome] {
        let limits = claims
        return try await queue.change { session in
            var commit = try DepositCommit(
                of: deposit, copiesRequired: copiesRequired, time: time,
                isOfSeveral: files.count > 1, hearing: word, within: limits, session)
            for file in files { try commit.take(file) }
            return try commit.finish()
        }
    }
}

/// Commits files of one deposit, one after the other.
private struct DepositCommit {
    private let deposit: DepositID
    private let copiesRequired: Int
    private let time: Int64
    private let word: BarrierWord?
    private let limits: ClaimLimits
    private let session: Session
    private let manifests: ManifestTable
    private let receipts: ReceiptTable
    private let chunks: ChunkTable
    private let counting: CommitCounts.Statements
    /// Where there are several.
    private var records: RecordWriter?
    private var outcomes: [Outcome] = []
    /// Asked for with the first file that is not committed already: a repeated commit needs none.
    private var lease: (live: Leases.Deposit, pins: DepositPins)?

    init(
        of deposit: DepositID, copiesRequired: Int, time: Int64, isOfSeveral: Bool,
        hearing word: BarrierWord?, within limits: ClaimLimits, _ session: Session
    ) throws {
        session.assertChange()
        self.deposit = deposit
        self.copiesRequired = copiesRequired
        self.time = time
        self.word = word
        self.limits = limits
        self.session = session
        manifests = try ManifestTable(session)
        receipts = ReceiptTable(session)
        chunks = try ChunkTable(session)
        counting = try CommitCounts.Statements(session)
        records = isOfSeveral ? try RecordWriter(session) : nil
    }

    private enum Outcome {
        /// With the number of its record.
        case committed(Receipt, Int64)
        case other(CommitOutcome)
    }

    mutating func take(_ file: FileCommit) throws { outcomes.append(try outcome(of: file)) }

    /// Enters the objects that keep the records.
    mutating func finish() throws -> [CommitOutcome] {
        var batches: [Int64: RecordBatch] = [:]
        for (number, batch) in try records?.finish(isPending: true) ?? [] {
            batches[number] = batch
        }
        if let lease {
            try lease.pins.save()
            try PinQuota(session).take(
                lease.pins.added, for: deposit, number: lease.live.number, within: limits)
        }
        let table = RecordTable(session)
        return try outcomes.map { outcome in
            switch outcome {
            case .other(let outcome): return outcome
            case .committed(let receipt, let number):
                let object = try table.object(of: number)
                // What is over may be gone everywhere: sent again, it would bring back what others
                // have deleted.
                guard try table.isPending(object) else { return .committed(receipt, in: nil) }
                let batch = try batches[object] ?? table.batch(object)
                batches[object] = batch
                return .committed(receipt, in: batch)
            }
        }
    }

    private mutating func outcome(of file: FileCommit) throws -> Outcome {
        if let kept = try receipts.find(file.name, deposit: deposit) {
            return try repeated(file, kept)
        }
        try SQLiteCatalog.refuseReserved(file.name)
        let (lease, pins) = try requireLease()
        guard try isAsExpected(file) else { return .other(.overtaken) }
        let manifest: Int64
        if file.manifest == .empty {
            manifest = ManifestTable.empty
        } else if let chunk = file.manifest.chunk {
            guard let known = try known(chunk, pins) else { return .other(.lacking([chunk])) }
            manifest = ManifestTable.number(ofInline: known.number)
        } else {
            manifest = try staged(file)
        }
        let counts = try CommitCounts(
            manifest: manifest, pins: pins, copiesRequired: copiesRequired, by: counting)
        guard counts.lacking.isEmpty else { return .other(.lacking(counts.lacking)) }
        try counts.countAsShared(pins)
        return try publish(file, manifest: manifest, counts: counts, lease: lease)
    }

    private func repeated(
        _ file: FileCommit, _ kept: ReceiptTable.Kept
    ) throws -> Outcome {
        guard kept.receipt.manifest.id == file.manifest.id else {
            throw DepotError(
                .conflict,
                "deposit \(deposit) has committed this name with manifest "
                    + "\(kept.receipt.manifest.id), and not with \(file.manifest.id); "
                    + "use a new deposit id",
                object: file.name.text)
        }
        return .committed(kept.receipt, kept.record)
    }

    private mutating func requireLease() throws -> (Leases.Deposit, DepositPins) {
        if let lease { return lease }
        let live = try Leases(session).renew(deposit)
        guard copiesRequired >= live.level.majority else {
            throw DepotError(
                .invalidArgument,
                "a commit at level \(live.level) needs at least \(live.level.majority) copies, "
                    + "\(copiesRequired) were required",
                object: deposit.description)
        }
        let pins = try DepositPins(of: live.number, session)
        if let word { try Vouches(pins, asOf: word.mark, session).take(word.proof) }
        lease = (live, pins)
        return (live, pins)
    }

    /// Costs nothing where anything will do.
    private func isAsExpected(_ file: FileCommit) throws -> Bool {
        guard file.expected != .anything else { return true }
        let found = try FileTable(session).known(file.name)
        return file.expected.holds(for: found?.entry.sequence)
    }

    /// The only chunk of a file; `nil` where no replica has vouched for it with that length.
    ///
    /// - Throws: `manifestInvalid` where they have vouched for it with another one.
    private func known(
        _ chunk: ChunkReference, _ pins: DepositPins
    ) throws -> ChunkTable.Known? {
        guard let known = try chunks.find(chunk.id) else { return nil }
        if known.length == chunk.length { return known }
        if try pins.isVouched(known.number, by: session.members()) {
            try chunks.refuseContradiction(chunk, known)
        }
        return nil
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

    private mutating func publish(
        _ file: FileCommit, manifest: Int64, counts: CommitCounts, lease: Leases.Deposit
    ) throws -> Outcome {
        let publication = Publication(session)
        let record = try publication.next(
            name: file.name, time: time,
            content: .file(
                level: lease.level, manifest: file.manifest, size: file.size,
                metadata: file.metadata))
        let number =
            try records?.add(record)
            ?? RecordTable(session).insert(RecordBatch(record), isPending: true).object
        let receipt = Receipt(
            deposit: deposit, name: file.name, sequence: record.sequence, manifest: file.manifest,
            size: file.size, level: lease.level,
            copies: counts.copies ?? min(lease.level.copies, file.reachable), chunks: file.chunks,
            newChunks: counts.new.count, newBytes: counts.newBytes,
            sharedBytes: counts.sharedBytes)
        try publication.put(record, manifest: manifest, number: number, receipt: receipt)
        try receipts.noteCommit(record.sequence, by: lease.number)
        return .committed(receipt, number)
    }
}
