import DepotCore

/// Names a member by name, address, UUID or the first digits of it.
public struct DrainRequestBody: Sendable, Codable {
    public let replica: String
    /// Begin though the others are fewer than the highest level in use asks for: files stay
    /// degraded.
    public let force: Bool

    public init(replica: String, force: Bool) {
        self.replica = replica
        self.force = force
    }
}

/// How far the emptying of a replica is.
public struct DrainBody: Sendable, Codable, Hashable {
    public enum State: String, Sendable, Codable {
        case draining
        /// Empty, or as good as: nothing would be missing without it.
        case drained
        case stopped
    }

    public let replica: ReplicaID
    public let name: String
    public let state: State
    /// Copies of chunks in use that are still to be copied elsewhere or dropped, and their bytes.
    @Count public private(set) var chunksLeft: Int
    @ByteCount public private(set) var bytesLeft: UInt64
    @Count public private(set) var recordsLeft: Int
    /// Deposits under way that count on copies there.
    @Count public private(set) var depositsLeft: Int
    /// Copies of chunks that nobody uses: left to collection, and no reason to wait.
    @Count public private(set) var unusedChunks: Int
    /// Of the chunks that are left, those that could not be copied anywhere in the last round.
    @Count public private(set) var stuckChunks: Int
    @ByteCount public private(set) var bytesPerSecond: UInt64
    /// `nil` where nobody can tell yet.
    public let secondsLeft: Seconds?
    /// Why it does not go on, where it does not.
    public let problem: String?

    public var isSafeToRemove: Bool { state == .drained }

    public init(
        replica: ReplicaID, name: String, state: State, chunksLeft: Int, bytesLeft: UInt64,
        recordsLeft: Int, depositsLeft: Int, unusedChunks: Int, stuckChunks: Int,
        bytesPerSecond: UInt64, secondsLeft: Int?, problem: String?
    ) {
        self.replica = replica
        self.name = name
        self.state = state
        self.chunksLeft = chunksLeft
        self.bytesLeft = bytesLeft
        self.recordsLeft = recordsLeft
        self.depositsLeft = depositsLeft
        self.unusedChunks = unusedChunks
        self.stuckChunks = stuckChunks
        self.bytesPerSecond = bytesPerSecond
        self.secondsLeft = secondsLeft.map(Seconds.init(wrappedValue:))
        self.problem = problem
    }
}

public struct ForgetRequestBody: Sendable, Codable {
    public let replica: String
    /// Forget it though something would be lost, or though it is up and not drained.
    public let acceptLoss: Bool

    public init(replica: String, acceptLoss: Bool) {
        self.replica = replica
        self.acceptLoss = acceptLoss
    }
}

public struct ForgottenBody: Sendable, Codable {
    public let replica: ReplicaID
    public let name: String
    /// Files that cannot be read any more, for want of copies that were only there.
    @Count public private(set) var lostFiles: Int
    @ByteCount public private(set) var lostBytes: UInt64
    /// Members that are left.
    @Count public private(set) var members: Int

    public init(
        replica: ReplicaID, name: String, lostFiles: Int, lostBytes: UInt64, members: Int
    ) {
        self.replica = replica
        self.name = name
        self.lostFiles = lostFiles
        self.lostBytes = lostBytes
        self.members = members
    }
}

public struct SimulationRequestBody: Sendable, Codable {
    public let lose: [String]
    /// A page of files behind this one; the figures come with the first page only.
    public let after: FileName?

    public init(lose: [String], after: FileName?) {
        self.lose = lose
        self.after = after
    }
}

/// What would be missing without some replicas.
public struct SimulationBody: Sendable, Codable {
    public struct Loss: Sendable, Codable {
        public let name: FileName
        @ByteCount public private(set) var size: UInt64
        /// Distinct chunks without a good copy elsewhere: with any, the file could not be read.
        @Count public private(set) var lostChunks: Int
        /// Distinct chunks with one good copy elsewhere.
        @Count public private(set) var lastCopies: Int

        public init(name: FileName, size: UInt64, lostChunks: Int, lastCopies: Int) {
            self.name = name
            self.size = size
            self.lostChunks = lostChunks
            self.lastCopies = lastCopies
        }
    }

    public struct Totals: Sendable, Codable {
        /// The replicas that are supposed gone, those that are being emptied included.
        public let lost: [String]
        @Count public private(set) var remaining: Int
        /// Copies to be made, and their bytes.
        @Count public private(set) var copies: Int
        @ByteCount public private(set) var bytes: UInt64
        @Count public private(set) var lostChunks: Int
        /// Bytes that the remaining ones which can be reached still take.
        @ByteCount public private(set) var freeBytes: UInt64
        /// Whether the copies fit. That each is on a replica of its own may ask for more.
        public let fits: Bool

        public init(
            lost: [String], remaining: Int, copies: Int, bytes: UInt64, lostChunks: Int,
            freeBytes: UInt64
        ) {
            self.lost = lost
            self.remaining = remaining
            self.copies = copies
            self.bytes = bytes
            self.lostChunks = lostChunks
            self.freeBytes = freeBytes
            fits = bytes <= freeBytes
        }
    }

    /// With the first page.
    public let totals: Totals?
    public let files: [Loss]
    public let hasMore: Bool

    public init(totals: Totals?, files: [Loss], hasMore: Bool) {
        self.totals = totals
        self.files = files
        self.hasMore = hasMore
    }
}
