import NIOCore

/// A replica as the FileServer sees it: storage that takes bytes as they arrive, before they are
/// whole. The replica verifies them; the FileServer need not.
public protocol ReplicaLink: ChunkStorage {
    /// The furthest position of its log that the replica has named in any answer; `nil` before the
    /// first. One that is asked for its standing afterwards, and stands before this, has lost what
    /// it had.
    var heard: HeardPosition? { get }

    /// When the certificate that the replica last showed expires, in seconds since 1970; `nil`
    /// where it shows none.
    var certificateEnds: Int64? { get }

    /// As `read`, for whoever knows how long the objects are: nothing is taken in that is longer.
    ///
    /// - Parameter bytes: of all of them together, at most.
    /// - Throws: `misbehaving` where more is answered.
    func read(_ ids: [ObjectID], upTo bytes: Int) async throws(DepotError) -> [StoredObject?]

    /// - Parameter deposit: for whom; travels along, so that it can be logged and, later, be
    ///   signed.
    func openUpload(for deposit: DepositID?) async throws(DepotError) -> any ChunkUpload
}

extension ReplicaLink {
    public var certificateEnds: Int64? { nil }
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
    /// - Throws: `hashMismatch` naming the object whose bytes were wrong. Of those before it some
    ///   may have been appended; it is a barrier that tells which.
    func finish() async throws(DepotError)
    /// Gives up. Objects that were whole may have been appended; harmless, since none was vouched
    /// for.
    func cancel() async
}
