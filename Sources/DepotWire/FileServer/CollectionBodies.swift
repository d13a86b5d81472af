import DepotCore

public struct CollectBody: Sendable, Codable {
    /// Only say what would be done.
    public let planOnly: Bool
    /// Seconds that a chunk has to be unused before it goes; `nil`: what the FileServer was told.
    public let graceSeconds: Seconds?
    /// What names were is forgotten now where it ended so many seconds ago; `nil`: what the
    /// FileServer was told.
    public let versionSeconds: Seconds?

    public init(planOnly: Bool, graceSeconds: Int?, versionSeconds: Int? = nil) {
        self.versionSeconds = versionSeconds.map(Seconds.init(wrappedValue:))
        self.planOnly = planOnly
        self.graceSeconds = graceSeconds.map(Seconds.init(wrappedValue:))
    }
}

public struct CollectionBody: Sendable, Codable {
    /// Before it began.
    public var plan: CollectionPlan
    public var planOnly: Bool
    @Seconds public private(set) var graceSeconds: Int
    /// Copies that were deleted, and their bytes.
    @Count public var deletedCopies = 0
    @ByteCount public var deletedBytes: UInt64 = 0
    /// Old records and tombstones that were deleted, copies of them.
    @Count public var deletedRecords = 0
    @Count public var compactedSegments = 0
    /// What the disks have got back.
    @ByteCount public var freedBytes: UInt64 = 0
    /// Segments that cannot be compacted, for a damaged copy in them.
    @Count public var pinnedSegments = 0
    /// Replicas that could not take part, and why.
    public var skipped: [String: String] = [:]

    public init(plan: CollectionPlan, planOnly: Bool, graceSeconds: Int) {
        self.plan = plan
        self.planOnly = planOnly
        self.graceSeconds = graceSeconds
    }
}
