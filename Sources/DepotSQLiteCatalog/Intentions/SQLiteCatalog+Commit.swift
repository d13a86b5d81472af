import DepotCore

extension SQLiteCatalog {
    /// How many lacking chunks a commit names: enough for the next batches; the answer stays small.
    static let lackingMax = 10_000

    public func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> [CommitOutcome] {
        try await queue.change { session in
            let manifests = try ManifestTable(session)
            var lease: Leases.Deposit?
            return try files.map { file in
                let repeated = try Receipts.find(file.name, deposit: deposit, session)
                if let repeated { return try Self.again(file, repeated, deposit) }
                let live = try lease ?? Self.committer(deposit, copiesRequired, session)
                lease = live
                return try Self.commit(
                    file, live, deposit: deposit, copiesRequired: copiesRequired, time: time,
                    manifests, session)
            }
        }
    }

    private static func committer(
        _ deposit: DepositID, _ copiesRequired: Int, _ session: Session
    ) throws -> Leases.Deposit {
        let lease = try Leases.renew(deposit, session)
        guard copiesRequired >= lease.level.majority else {
            throw DepotError(
                .invalidArgument,
                "a commit at level \(lease.level) needs at least \(lease.level.majority) copies, "
                    + "\(copiesRequired) were required",
                object: deposit.description)
        }
        return lease
    }

    private static func again(
        _ file: FileCommit, _ kept: Receipts.Kept, _ deposit: DepositID
    ) throws -> CommitOutcome {
        guard kept.receipt.manifest == file.manifest else {
            throw DepotError(
                .conflict,
                "deposit \(deposit) has committed this name with manifest "
                    + "\(kept.receipt.manifest.id), and not with \(file.manifest.id); "
                    + "use a new deposit id",
                object: file.name.text)
        }
        return .committed(kept.receipt, record: kept.record)
    }

    private static func commit(
        _ file: FileCommit, _ lease: Leases.Deposit, deposit: DepositID, copiesRequired: Int,
        time: Int64, _ manifests: ManifestTable, _ session: Session
    ) throws -> CommitOutcome {
        let manifest = try staged(file, manifests)
        let tally = try CommitTally(
            manifest: manifest, deposit: lease.number, copiesRequired: copiesRequired, session)
        guard tally.lacking.isEmpty else { return .lacking(tally.lacking) }
        let (record, number) = try Publication.enter(
            name: file.name, time: time,
            content: .file(
                level: lease.level, manifest: file.manifest, size: file.size,
                metadata: file.metadata), session)
        try Publication.put(record, manifest: manifest, number: number, session)
        let receipt = Receipt(
            deposit: deposit, name: file.name, sequence: record.sequence, manifest: file.manifest,
            size: file.size, level: lease.level, copies: tally.copies, chunks: file.chunks,
            newChunks: tally.new.count, newBytes: tally.newBytes, sharedBytes: tally.sharedBytes)
        try Receipts.keep(receipt, deposit: lease.number, record: number, session)
        try tally.countAsShared(deposit: lease.number, session)
        return .committed(receipt, record: record)
    }

    private static func staged(_ file: FileCommit, _ manifests: ManifestTable) throws -> Int64 {
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

    public func receipt(
        of name: FileName, deposit: DepositID
    ) async throws(DepotError) -> Receipt? {
        try await queue.view { try Receipts.find(name, deposit: deposit, $0)?.receipt }
    }
}
