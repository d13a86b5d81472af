import DepotCore

/// Everything about a `SegmentStore` that an operator or a test chooses.
public struct SegmentStoreConfiguration: Sendable {
    /// A segment is sealed when the next object would make it longer, its ending included. `nil`: 256 MiB, or
    /// a 32nd of a disk where that is less, but never less than 16 MiB.
    public var segmentSize: UInt64?
    /// What the segments may take together, in bytes; `nil`: what the disk has.
    public var capacity: UInt64?
    /// Bytes of the disk that are left to others.
    public var diskReserve: UInt64 = 0
    /// What `torn/` may hold, in bytes: enough to look into what a crash left, too little to fill a disk.
    public var tornBytesMax: UInt64 = 64 << 20
    /// Threads that wait for cold reads.
    public var readThreads = 4
    /// Members of one segment: bounds what the open segment's part of the index takes in memory.
    public var segmentMembersMax = 65_536

    public init() {}
}
