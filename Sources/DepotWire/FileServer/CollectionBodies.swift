import DepotCore

public struct CollectBody: Sendable, Codable {
    /// Only say what would be done.
    public let planOnly: Bool
    /// Seconds that a chunk has to be unused before it goes; `nil`: what the FileServer was told.
    public let graceSeconds: Int?

    public init(planOnly: Bool, graceSeconds: Int?) {
        self.planOnly = planOnly
        self.graceSeconds = graceSeconds
    }
}

public struct CollectionBody: Sendable, Codable {
    /// Before it began.
    public var plan: CollectionPlan
    public var planOnly: Bool
    public var graceSeconds: Int
    /// Copies that were deleted, and their bytes.
    public var deletedCopies = 0
    public var deletedBytes: UInt64 = 0
    /// Old records and tombstones that were deleted, copies of them.
    public var deletedRecords = 0
    public var compactedSegments = 0
    /// What the disks have got back.
    public var freedBytes: UInt64 = 0
    /// Segments that cannot be compacted, for a damaged copy in them.
    public var pinnedSegments = 0
    /// Replicas that could not take part, and why.
    public var skipped: [String: String] = [:]

    public init(plan: CollectionPlan, planOnly: Bool, graceSeconds: Int) {
        self.plan = plan
        self.planOnly = planOnly
        self.graceSeconds = graceSeconds
    }
}
