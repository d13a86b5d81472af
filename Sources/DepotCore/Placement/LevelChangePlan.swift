/// What a change of a file's level means for its chunks: computed a page at a time, printed by
/// `--plan`, then carried out page by page, copies first, drops after the level has changed.
public struct LevelChangePlan: Sendable, Hashable, Codable {
    public let name: FileName
    /// The commit that it was planned from. The change is made only while it is the newest of the
    /// name.
    public let sequence: CommitSequence
    public let from: ReplicationLevel
    public let to: ReplicationLevel
    /// Distinct chunks looked at so far, manifest and pieces included.
    public private(set) var chunks = 0
    /// Those that get or keep more copies than the new level, because another file or deposit asks
    /// for them.
    public private(set) var pinned = 0
    public private(set) var pinnedBytes: UInt64 = 0
    public private(set) var summary = CopySummary()

    public init(
        name: FileName, sequence: CommitSequence, from: ReplicationLevel, to: ReplicationLevel
    ) {
        self.name = name
        self.sequence = sequence
        self.from = from
        self.to = to
    }

    /// Whether every chunk looked at so far can have as many copies as its target.
    public var isAttainable: Bool { summary.shortfalls == 0 }

    /// Plans for a page of the file's chunks, and adds it to the figures.
    ///
    /// - Parameter page: distinct chunks, each with the target that will hold *after* the change:
    ///   the highest of the new level and the levels of the other files and leases that use it.
    public mutating func add(_ page: some Collection<ChunkStatus>, using planner: CopyPlanner)
        -> CopyPlan
    {
        for chunk in page {
            chunks += 1
            if chunk.target > to.copies {
                pinned += 1
                pinnedBytes += UInt64(chunk.reference.length)
            }
        }
        let plan = planner.plan(page)
        summary.add(plan)
        return plan
    }
}
