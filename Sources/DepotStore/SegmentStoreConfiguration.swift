import DepotCore

/// What an operator or a test chooses about a replica's disk.
public struct SegmentStoreConfiguration: Sendable {
    /// Bytes of a segment; `nil`: 256 MiB, less on a small disk.
    public var segmentSize: UInt64?
    /// Members of one segment. This bounds the memtable.
    public var segmentMembersMax = 65_536
    /// Bytes that all segments may take; `nil`: as many as the disk has.
    public var capacity: ByteCount?
    /// Bytes that stay free on the disk; `nil`: a twentieth of it, at most 1 GiB. A file system
    /// that is quite full is slow, and the index needs a little.
    public var reserve: ByteCount?
    /// Who the replica is to be, where something else than its folder says so; a new folder takes
    /// it, and one that is another's is not opened.
    public var identity: ReplicaID?
    /// What the operator calls the replica, and where it stands.
    public var name: String?
    public var zone: String?

    /// Appends of so many bytes or more go past the page cache, see `DirectWriter`.
    var directSizeMin = DirectWriter.sizeMinUsual
    /// How the folder is changed.
    var operations = FileOperations.system

    public init() {}

    static let segmentSizeUsual: UInt64 = 256 << 20
    static let segmentSizeMin: UInt64 = 1 << 20

    func segmentSize(onDiskOf total: UInt64) -> UInt64 {
        segmentSize ?? max(Self.segmentSizeMin, min(Self.segmentSizeUsual, total / 32))
    }

    func reserve(onDiskOf total: UInt64) -> UInt64 {
        reserve?.bytes ?? min(1 << 30, total / 20)
    }
}
