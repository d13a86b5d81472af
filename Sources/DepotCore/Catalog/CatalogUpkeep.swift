/// What the catalog offers to those who keep the depot sound: verify, repair, collection, drain, rebuild. The same
/// rules as for `Catalog` hold: each an atomic intention that may be repeated.
public protocol CatalogUpkeep: Sendable {
    // MARK: Soundness

    /// Looks for damage that opening the catalog did not look for, because it keeps too much for that: returns at once
    /// where there is nothing left to look at, and else takes as long as reading everything does. Holds up nobody; ends
    /// early where the task is cancelled.
    ///
    /// - Throws: `storeFailed` where it is damaged, or its disk does not give everything.
    func check() async throws(DepotError)

    // MARK: Inventory

    /// Compares a part of a replica's inventory with what is believed of it. Chunks that the catalog does not know
    /// enter as such that nobody uses, with an unproved copy; a copy of a known chunk that is not known enters
    /// unproved, too. Known records that had no holding are named with what was entered, and get one by `settle`.
    ///
    /// Nothing is taken away: what is believed there and does not show (good and unproved copies, records that have a
    /// holding) is returned, to be asked for once more, since it may have come or gone while the list was made.
    ///
    /// - Parameter page: consecutive entries; the range ends at the last one, or is open where `isLast`.
    /// - Throws: `notFound` for a replica that is no member.
    func reconcile(
        _ page: InventoryPage, of replica: ReplicaID
    ) async throws(DepotError) -> InventoryFindings

    /// Takes what a replica found of records: a good one has a holding there, others have none, and those of them that
    /// still say something, the newest of their names, go to the outbox again. Unknown ones are passed over.
    func settle(
        records: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError)

    /// Notes that a replica was compared with the catalog from the first object to the last, and that this began at
    /// `mark`.
    func noteInventory(of replica: ReplicaID, asOf mark: CatalogMark) async throws(DepotError)

    /// Live files that use a chunk: in their content, as their manifest or a piece of it; in order of name.
    func files(using chunk: ChunkID, limit: Int) async throws(DepotError) -> [FileName]

    /// Names of the records, in order; `nil` for one that is not known.
    func names(ofRecords records: [ChunkID]) async throws(DepotError) -> [FileName?]

    // MARK: Scrub

    /// Keeps which segments a replica has; those that are not named are forgotten, and a new nonce is a new segment.
    func noteSegments(
        _ segments: [SegmentInfo], of replica: ReplicaID
    ) async throws(DepotError)

    /// Notes that a segment was read to its end just now, with so many problems.
    ///
    /// - Parameter time: seconds since 1970, for people to read.
    func noteScrub(
        of segment: SegmentID, on replica: ReplicaID, bytes: UInt64, copies: Int, problems: Int,
        time: Int64
    ) async throws(DepotError)

    /// What is known of a replica's segments, the longest unchecked first: never, then by age in running time.
    func segmentChecks(on replica: ReplicaID) async throws(DepotError) -> [SegmentCheck]

    // MARK: Repair

    /// The chunks with fewer good copies on `counting` than their target, at most `limit`: those with the fewest good
    /// copies first. Chunks that nobody uses are none of them.
    func shortfall(
        counting: Set<ReplicaID>, limit: Int
    ) async throws(DepotError) -> [ChunkStanding]

    /// Chunks in use with more good copies on `counting` than their target, in order of the catalog's own, after
    /// `cursor`.
    func surplus(
        counting: Set<ReplicaID>, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStanding]

    /// Sends records that say something still (the newest of their names) to the outbox again where fewer than
    /// max(3, level), or `clusterSize` if that is less, of `counting` have them.
    ///
    /// - Returns: how many.
    func reopenRecords(
        counting: Set<ReplicaID>, clusterSize: Int
    ) async throws(DepotError) -> Int

    // MARK: Collection

    /// What a collection would do now. Changes nothing.
    ///
    /// - Throws: `conflict` where the catalog is partial; `manifestInvalid` where a live file's manifest is not known
    ///   to its end: then nobody can say what is in use, and nothing may be collected.
    func collectionPlan(grace: Duration) async throws(DepotError) -> CollectionPlan

    /// First step: forgets manifests that no file, lease or retrieval uses, notes since when chunks are unused, and
    /// that others are not any more; forgets receipts of deposits that ended `Receipt.keptFor` ago, and records that
    /// say nothing any more and that nobody holds. In short transactions. Throws as `collectionPlan`; then nothing was changed.
    func markUnused() async throws(DepotError)

    /// Chunks that were unused for at least `grace` of running time, and of which there is a copy on the replica, of
    /// whatever state; in order of the catalog's own, after `cursor`.
    func unused(
        for grace: Duration, on replica: ReplicaID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// Second step, the other gate to destruction: copies become released, whatever they were, of chunks that no file,
    /// lease or retrieval uses and that were unused for `grace`. From then on the chunk counts as lacking. To be
    /// called between `condemn` and `delete`, as `release` is. A chunk goes with its last copy.
    ///
    /// - Returns: the chunks whose copy there is released, by this call or an earlier one.
    /// - Throws: as `collectionPlan`; then nothing was changed.
    func releaseUnused(
        _ chunks: [ChunkID], for grace: Duration, on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID]

    /// Records that may be deleted on the replica: a newer one of their name is where it belongs. A tombstone is among
    /// them only if no older record of its name is known anywhere, and every member was inventoried since it was in
    /// place. Never in a partial catalog.
    func obsoleteRecords(
        on replica: ReplicaID, limit: Int
    ) async throws(DepotError) -> [ChunkID]

    /// Takes out holdings of records that the replica has deleted; a record that nobody holds or needs goes, too.
    func removeRecords(_ records: [ChunkID], on replica: ReplicaID) async throws(DepotError)

    /// Enters a record that an inventory showed and that the catalog does not know: a name that it has newer word of
    /// gets an older record. One that would be the newest of its name changes nothing.
    ///
    /// - Returns: whether the catalog has newer word of the name.
    func enterOld(_ record: FileRecord, on replica: ReplicaID) async throws(DepotError) -> Bool

    // MARK: Members

    /// Members that are being emptied. They count for nothing and get nothing, but are read from.
    func draining() async throws(DepotError) -> Set<ReplicaID>

    /// - Throws: `notFound`.
    func setDraining(_ replica: ReplicaID, _ isDraining: Bool) async throws(DepotError)

    /// What still ties a replica to the cluster.
    func remainder(on replica: ReplicaID) async throws(DepotError) -> ReplicaRemainder

    /// Takes a replica off the member list with everything that was believed of it. Its UUID is never let in again: what
    /// it holds may be older than anything known.
    ///
    /// - Throws: `notFound`.
    func forget(_ replica: ReplicaID) async throws(DepotError)

    func forgotten() async throws(DepotError) -> Set<ReplicaID>

    /// What would be missing if these replicas were gone: live files with a chunk of which fewer than two good copies
    /// are elsewhere; in order of name, after `cursor`.
    func losses(
        without replicas: Set<ReplicaID>, after cursor: FileName?, limit: Int
    ) async throws(DepotError) -> [FileLoss]

    /// How much would have to be copied if these replicas were gone, to bring every chunk in use back to its target,
    /// and how much cannot be, for want of a good copy elsewhere.
    func lossTotals(without replicas: Set<ReplicaID>) async throws(DepotError) -> LossTotals

    // MARK: Rebuild

    /// Whether some member was not inventoried since the catalog was rebuilt: then nothing is collected, dropped or
    /// forgotten of records.
    func isPartial() async throws(DepotError) -> Bool

    /// Enters a manifest with what it uses, as found on replicas. Without a lease: for rebuilding only.
    ///
    /// - Throws: `conflict` unless the catalog is being rebuilt.
    func restore(
        manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference]
    ) async throws(DepotError)

    /// Enters records as found on replicas, each with its holders: the newest of a name becomes the file or tombstone.
    ///
    /// - Throws: `conflict` unless the catalog is being rebuilt; `manifestInvalid` for a file whose manifest was not
    ///   restored.
    func restore(_ records: [RestoredRecord]) async throws(DepotError)

    /// Ends the rebuild: from now on the catalog takes deposits. It stays partial until each of `missing` was
    /// inventoried or forgotten.
    func finishRebuild(missing: Set<ReplicaID>) async throws(DepotError)
}

/// Consecutive entries of an inventory.
public struct InventoryPage: Sendable {
    /// The object behind which it begins; `nil`: with the first.
    public let after: ObjectID?
    public let entries: [InventoryEntry]
    /// Nothing comes behind it.
    public let isLast: Bool

    public init(after: ObjectID?, entries: [InventoryEntry], isLast: Bool) {
        self.after = after
        self.entries = entries
        self.isLast = isLast
    }
}

public struct InventoryFindings: Sendable, Hashable {
    /// Believed to be there, and not shown.
    public var missing: [ObjectID] = []
    /// Copies that the catalog did not know of, and now does.
    public var entered: [ObjectID] = []
    /// Records that the catalog does not know.
    public var unknownRecords: [ChunkID] = []
    /// Chunks whose length is another one than the catalog has.
    public var wrongLength: [ChunkID] = []

    public init() {}
}

public struct SegmentCheck: Sendable, Hashable {
    public let segment: SegmentID
    public let bytes: UInt64
    public let copies: Int
    public let isSealed: Bool
    /// Running time since it was read to its end; `nil`: never.
    public let age: Duration?
    /// When that was, in seconds since 1970; for people to read.
    public let time: Int64?
    /// What that reading found.
    public let problems: Int

    public init(
        segment: SegmentID, bytes: UInt64, copies: Int, isSealed: Bool, age: Duration?,
        time: Int64?,
        problems: Int
    ) {
        self.segment = segment
        self.bytes = bytes
        self.copies = copies
        self.isSealed = isSealed
        self.age = age
        self.time = time
        self.problems = problems
    }
}

/// What a collection would do.
public struct CollectionPlan: Sendable, Hashable, Codable {
    /// Chunks that nobody uses, and bytes of all their copies.
    public var unusedChunks = 0
    public var unusedBytes: UInt64 = 0
    /// Of these, past the grace time: they would go now.
    public var readyChunks = 0
    public var readyBytes: UInt64 = 0
    /// Copies that the ready ones have.
    public var readyCopies = 0
    /// Manifests that nobody uses.
    public var manifests = 0

    public init() {}
}

/// What still ties a replica to the cluster.
public struct ReplicaRemainder: Sendable, Hashable, Codable {
    /// Copies of chunks, whatever their state, and their bytes.
    public var chunks = 0
    public var bytes: UInt64 = 0
    /// Chunks in use with no good copy elsewhere, and one here that is good or not proved.
    public var onlyCopies = 0
    /// Records that say something still.
    public var records = 0
    /// Deposits under way for which it vouched.
    public var deposits = 0

    public init() {}

    /// Whether it may be taken away without a loss.
    public var isEmpty: Bool { chunks == 0 && records == 0 && deposits == 0 }
}

public struct FileLoss: Sendable, Hashable {
    public let name: FileName
    /// Distinct chunks of it without a good copy elsewhere: with any, the file could not be read.
    public let lostChunks: Int
    /// Distinct chunks with one.
    public let lastCopies: Int

    public init(name: FileName, lostChunks: Int, lastCopies: Int) {
        self.name = name
        self.lostChunks = lostChunks
        self.lastCopies = lastCopies
    }
}

public struct LossTotals: Sendable, Hashable, Codable {
    /// Copies to be made elsewhere, and their bytes.
    public var copies = 0
    public var bytes: UInt64 = 0
    /// Chunks in use that have no good copy elsewhere.
    public var lostChunks = 0

    public init() {}
}

/// A record that was found when replicas were asked, and where.
public struct RestoredRecord: Sendable, Hashable {
    public let record: FileRecord
    public let holders: Set<ReplicaID>

    public init(record: FileRecord, holders: Set<ReplicaID>) {
        self.record = record
        self.holders = holders
    }
}
