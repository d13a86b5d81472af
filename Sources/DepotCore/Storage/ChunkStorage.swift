/// A place that holds chunks and records: a disk, a replica across the network, memory in tests.
///
/// What is promised, and tested by one conformance suite on every implementation:
/// - `put` takes verified objects only, and is not durable: only `vouch` says that an object is.
/// - `vouch` answers `durable` only for what a power cut now could not take away.
/// - an object that was put again is one object, and its newest copy is the one that is read.
/// - `read` gives what the disk gives. It was hashed when it was written; whoever hands it on
///   hashes it again.
/// - every operation throws `DepotError` and nothing else.
public protocol ChunkStorage: SegmentedStorage {
    /// Who this is, whom it belongs to, how far its log goes and how much room is left.
    func standing() async throws(DepotError) -> ReplicaStanding

    /// Joins the cluster, or confirms that it belongs to it, and learns epoch, members, the
    /// writer's claim and how far commits go. Durable. Where the claim is a new one, deletions
    /// under way are void.
    ///
    /// - Returns: what it says of itself afterwards.
    /// - Throws: as `MembershipOffer.accepted`.
    func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding

    /// Appends objects to the log; those that are there already, whole, are not written again.
    /// A deletion under way of any of them is void.
    ///
    /// - Throws: `storageFull` (nothing of what is left was written), `storeFailed` after an I/O
    ///   error.
    func put(_ objects: [VerifiedObject]) async throws(DepotError)

    /// The barrier: makes everything appended so far durable, then says of each object, in order,
    /// what a power cut would leave. A deletion under way of any of them is void.
    func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch]

    /// The objects, in order, `nil` where one is not held. Their bytes are not verified.
    ///
    /// - Parameter ids: together no more bytes than fit in memory; the caller bounds them.
    func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?]

    /// Reads each object from the disk, not from a cache, and hashes it; one that looks bad is read
    /// a second time before it is called so.
    func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict]

    /// What is held, in order of kind and id, after the given one. Ends with an empty page.
    func inventory(after: ObjectID?, limit: Int) async throws(DepotError) -> [InventoryEntry]

    /// First half of a deletion: names what shall go. The token is good for these objects until one
    /// of them is put or vouched for, or the store is opened again.
    func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken

    /// Second half: deletes those that nothing put, found or vouched for since the token was given.
    ///
    /// - Returns: what was deleted, or was not there.
    func delete(_ ids: [ObjectID], token: CondemnToken) async throws(DepotError) -> [ObjectID]
}

extension ChunkStorage {
    /// Without a claim, as a rebuild does it.
    public func adopt(_ membership: ClusterMembership) async throws(DepotError) -> ReplicaStanding {
        try await adopt(MembershipOffer(membership))
    }
}
