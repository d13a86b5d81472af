/// The member list: which replicas belong to the cluster, how far their logs go, and which of them
/// are leaving.
public protocol MembershipCatalog: OrderedCatalog {
    /// In order of name.
    func members() async throws(DepotError) -> [Member]

    /// Counts the changes of the member list: each member that is new, each that is forgotten.
    func memberRevision() async throws(DepotError) -> UInt64

    /// Adds a replica, or changes the address, name, zone and capacity of a known one. The position
    /// counts for a new replica only: later ones come by `observe`.
    ///
    /// - Throws: `conflict` where another replica has that address or that name; `tooLarge` where
    ///   the cluster has as many members as this catalog can keep.
    func admit(_ member: Member) async throws(DepotError)

    /// Notes how far a replica's log goes. Where it does not continue the position that was noted
    /// before `mark`, every good holding of the replica becomes unproved, in the same transaction.
    /// An answer that a newer one has overtaken changes nothing.
    ///
    /// - Parameter mark: taken before the replica was asked.
    /// - Returns: whether it continued.
    /// - Throws: `notFound` for a replica that is no member.
    func observe(
        _ position: LogPosition, of replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) -> Bool

    /// Members that are being emptied. Their copies do not count and they get no new ones, but they
    /// are read from.
    func draining() async throws(DepotError) -> Set<ReplicaID>

    /// - Throws: `notFound`.
    func setDraining(_ replica: ReplicaID, _ isDraining: Bool) async throws(DepotError)

    /// What still ties a replica to the cluster. Goes over all chunks, step by step: what changes
    /// meanwhile may be counted or not.
    ///
    /// - Parameter counting: the members on which another good copy counts.
    func remainder(
        on replica: ReplicaID, counting: Set<ReplicaID>
    ) async throws(DepotError) -> ReplicaRemainder

    /// Takes a replica off the member list, with all of its holdings. Its UUID is never let in
    /// again: its records may be older than anything that the catalog knows.
    ///
    /// - Throws: `notFound`.
    func forget(_ replica: ReplicaID) async throws(DepotError)

    /// Replicas that are never let in again.
    func forgotten() async throws(DepotError) -> Set<ReplicaID>
}

/// What still ties a replica to the cluster.
public struct ReplicaRemainder: Sendable, Hashable, Codable {
    /// Copies of chunks, whatever their state, and their bytes.
    @Count public var chunks = 0
    @ByteCount public var bytes: UInt64 = 0
    /// Chunks in use with no good copy elsewhere, and one here that is good or not proved.
    @Count public var onlyCopies = 0
    /// Records that say something still.
    @Count public var records = 0
    /// Deposits under way for which it vouched.
    @Count public var deposits = 0

    public init() {}

    /// Whether it may be taken away without a loss.
    public var isEmpty: Bool { chunks == 0 && records == 0 && deposits == 0 }
}
