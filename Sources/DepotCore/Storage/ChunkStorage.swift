import NIOCore

/// A place that holds chunks and records: a disk, a replica across the network, memory in tests.
///
/// What is promised, and tested by one conformance suite on every implementation:
/// - `put` takes verified objects only, and is not durable: only `vouch` says that an object is.
/// - `vouch` answers `durable` only for what a power cut now could not take away.
/// - an object that was put again is one object, and its newest copy is the one that is read.
/// - `read` gives what the disk gives. It was hashed when it was written; whoever hands it on hashes it again.
/// - every operation throws `DepotError` and nothing else.
public protocol ChunkStorage: StorageUpkeep {
    /// Who this is, whom it belongs to, how far its log goes and how much room is left.
    func standing() async throws(DepotError) -> ReplicaStanding

    /// Joins the cluster, or confirms that it belongs to it and learns epoch and members. Durable.
    ///
    /// - Throws: `clusterMismatch` where it belongs to another one, `epochStale` where it saw a higher epoch.
    func adopt(_ membership: ClusterMembership) async throws(DepotError) -> ReplicaStanding

    /// Appends objects to the log; those that are there already, whole, are not written again.
    /// A deletion under way of any of them is void.
    ///
    /// - Throws: `storageFull` (nothing of what is left was written), `storeFailed` after an I/O error.
    func put(_ objects: [VerifiedObject]) async throws(DepotError)

    /// The barrier: makes everything appended so far durable, then says of each object, in order, what a
    /// power cut would leave. A deletion under way of any of them is void.
    func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch]

    /// The objects, in order, `nil` where one is not held. Their bytes are not verified.
    ///
    /// - Parameter ids: together no more bytes than fit in memory; the caller bounds them.
    func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?]

    /// Reads each object from the disk, not from a cache, and hashes it; one that looks bad is read a
    /// second time before it is called so.
    func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict]

    /// What is held, in order of kind and id, after the given one. Ends with an empty page.
    func inventory(after: ObjectID?, limit: Int) async throws(DepotError) -> [InventoryEntry]

    /// First half of a deletion: names what shall go. The token is good for these objects until one of
    /// them is put or vouched for, or the store is opened again.
    func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken

    /// Second half: deletes those that nothing put, found or vouched for since the token was given.
    ///
    /// - Returns: what was deleted, or was not there.
    func delete(_ ids: [ObjectID], token: CondemnToken) async throws(DepotError) -> [ObjectID]
}

/// A replica as the FileServer sees it: storage that takes bytes as they arrive, before they are whole.
/// The replica verifies them; the FileServer need not.
public protocol ReplicaLink: ChunkStorage {
    /// The furthest position of its log that the replica has named in any answer; `nil` before the first. One that is
    /// asked for its standing afterwards, and stands before this, has lost what it had.
    var heard: HeardPosition? { get }

    /// - Parameter deposit: for whom; travels along, so that it can be logged and, later, be signed.
    func openUpload(for deposit: DepositID?) async throws(DepotError) -> any ChunkUpload
}

/// One upload of objects, one after the other, to one replica. Used by one task at a time.
///
/// Calls wait while the replica is slower than the sender: memory stays bounded.
public protocol ChunkUpload: Sendable {
    /// Begins an object; `write` follows with exactly `length` bytes.
    func begin(_ id: ObjectID, length: Int) async throws(DepotError)
    func write(_ part: ByteBuffer) async throws(DepotError)
    /// Ends the upload. Every object was appended (not: durable) when this returns.
    ///
    /// - Throws: `hashMismatch` naming the object whose bytes were wrong. Of those before it some may have been
    ///   appended; it is a barrier that tells which.
    func finish() async throws(DepotError)
    /// Gives up. Objects that were whole may have been appended; harmless, since none was vouched for.
    func cancel() async
}

/// What a barrier says of one object.
public enum Vouch: UInt8, Sendable {
    case absent = 0
    case durable = 1
}

/// What a check found.
public enum CheckVerdict: UInt8, Sendable {
    case absent = 0
    case good = 1
    /// Two readings, the second past the cache, both not what the id says.
    case bad = 2
}

public struct InventoryEntry: Sendable, Hashable {
    public let id: ObjectID
    public let length: Int
    /// The number of the segment where its live copy lies.
    public let segment: UInt32

    public init(id: ObjectID, length: Int, segment: UInt32) {
        self.id = id
        self.length = length
        self.segment = segment
    }
}

/// The right to delete what was condemned. Opaque; random; worthless after a restart of its store.
public struct CondemnToken: Sendable, Hashable, Codable {
    public let value: UInt64
    public init(value: UInt64) { self.value = value }
}
