/// Changes of names other than deposits. Each may be asked for again: see `RequestID`.
public protocol ChangeCatalog: Sendable {
    /// What a request has made of a name before, as far as it is known still.
    func change(
        of name: FileName, madeBy request: RequestID
    ) async throws(DepotError) -> EarlierChange?

    /// The newest word on a name, file or tombstone, where it is on its way to its replicas still.
    func undelivered(_ name: FileName) async throws(DepotError) -> KeptRecord?

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

extension FileRecord {
    /// - Throws: `conflict` where the request that made it asked for something else than a deletion.
    @discardableResult
    public func requireDeletion() throws(DepotError) -> FileRecord {
        guard case .deleted = content else { throw usedElsewhere }
        return self
    }

    /// - Throws: `conflict` where the request that made it asked for something else than that level.
    @discardableResult
    public func require(level: ReplicationLevel) throws(DepotError) -> FileRecord {
        guard case .file(level, _, _, _) = content else { throw usedElsewhere }
        return self
    }

    private var usedElsewhere: DepotError {
        DepotError(
            .conflict,
            "the id of this request was that of another change of the name; take a new one",
            object: name.text)
    }
}

/// A change of a name that was asked for by a request with an id.
public struct EarlierChange: Sendable, Hashable {
    public let kept: KeptRecord
    /// Whether nothing was committed to the name since.
    public let isNewest: Bool

    public init(_ kept: KeptRecord, isNewest: Bool) {
        self.kept = kept
        self.isNewest = isNewest
    }
}

extension ChangeCatalog {
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
}
