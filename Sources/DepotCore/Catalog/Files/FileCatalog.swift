/// Files by name, with their manifests, levels and receipts.
public protocol FileCatalog: Sendable {
    /// The live file of a name.
    ///
    /// - Throws: `notFound`.
    func file(_ name: FileName) async throws(DepotError) -> FileEntry

    /// Names that begin with `prefix`, in byte order, after `after`.
    func files(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> [FileEntry]

    /// Live files that use a chunk: in their content, as their manifest or a piece of it; in order
    /// of name.
    func files(using chunk: ChunkID, limit: Int) async throws(DepotError) -> [FileName]

    /// The manifests among these that were staged to their end, by any deposit.
    func staged(among manifests: [ChunkID]) async throws(DepotError) -> Set<ChunkID>

    /// The distinct chunks that a manifest uses, the manifest itself, unless it is inline, and its
    /// pieces included, in order of the catalog's own, after `cursor` (`nil`: from the first).
    ///
    /// - Parameter assuming: gives the targets that would hold if a file had another level than it
    ///   has.
    /// - Throws: `notFound` where the manifest was not staged to its end, or the chunk of an inline
    ///   one or the cursor is no known chunk.
    func chunks(
        of manifest: ManifestReference, after cursor: ChunkID?, limit: Int,
        assuming: LevelAssumption?
    ) async throws(DepotError) -> [ChunkStatus]

    /// The receipt that a deposit got for a name; `nil` where it got none, or the receipt is no
    /// longer kept.
    func receipt(of name: FileName, deposit: DepositID) async throws(DepotError) -> Receipt?

    /// What a request has made of a name before, as far as it is known still.
    func change(
        of name: FileName, madeBy request: RequestID
    ) async throws(DepotError) -> EarlierChange?

    /// The newest word on a name, file or tombstone, where it is on its way to its replicas still.
    func undelivered(_ name: FileName) async throws(DepotError) -> FileRecord?

    /// Gives a file another level, unless something was committed to the name after `expected`.
    ///
    /// - Parameter request: is kept in the record; one that has made a change of the name before
    ///   makes none, and gets the record of then.
    /// - Returns: the new record, which is in the outbox.
    /// - Throws: `notFound`; `conflict` where the sequence is another one; `notEnoughReplicas`
    ///   where a chunk has fewer good copies on `counting` than `copiesRequired`.
    func changeLevel(
        of name: FileName, expected: CommitSequence, to level: ReplicationLevel,
        copiesRequired: Int, counting: Set<ReplicaID>, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord

    /// Deletes a name by a tombstone, which goes into the outbox like any record.
    ///
    /// - Parameter request: as for `changeLevel`.
    /// - Throws: `notFound`; `conflict` where the file is not the expected one.
    func delete(
        _ name: FileName, expected: FileExpectation, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord
}

/// A change of a name that was asked for by a request with an id.
public struct EarlierChange: Sendable, Hashable {
    public let record: FileRecord
    /// Whether nothing was committed to the name since.
    public let isNewest: Bool

    public init(record: FileRecord, isNewest: Bool) {
        self.record = record
        self.isNewest = isNewest
    }
}

extension FileCatalog {
    /// The live file of a name; `nil` where there is none.
    public func known(_ name: FileName) async throws(DepotError) -> FileEntry? {
        do throws(DepotError) {
            return try await file(name)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Whichever version the name has, for nobody who would ask again.
    public func delete(
        _ name: FileName, expected: FileExpectation = .anything, time: Int64
    ) async throws(DepotError) -> FileRecord {
        try await delete(name, expected: expected, time: time, request: nil)
    }

    /// For nobody who would ask again.
    public func changeLevel(
        of name: FileName, expected: CommitSequence, to level: ReplicationLevel,
        copiesRequired: Int, counting: Set<ReplicaID>, time: Int64
    ) async throws(DepotError) -> FileRecord {
        try await changeLevel(
            of: name, expected: expected, to: level, copiesRequired: copiesRequired,
            counting: counting, time: time, request: nil)
    }

    /// With the targets that hold now.
    public func chunks(
        of manifest: ManifestReference, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStatus] {
        try await chunks(of: manifest, after: cursor, limit: limit, assuming: nil)
    }

    /// Whether a manifest was staged to its end.
    public func isStaged(manifest: ChunkID) async throws(DepotError) -> Bool {
        try await staged(among: [manifest]) == [manifest]
    }
}
