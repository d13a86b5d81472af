import DepotCore

/// Asks for a verification, or for a look at one. The id is the asker's, so that asking again
/// starts no second one.
public struct VerifyBody: Sendable, Codable {
    public let verification: VerificationID
    /// Replicas to read, by name or id; `nil`: all.
    public let replicas: [String]?
    /// Stops reading after so many seconds; what was not read is first in line the next time.
    public let budgetSeconds: Seconds?
    /// Leaves out segments that were read to their end within so many seconds; `nil`: none.
    public let ageSecondsMax: Seconds?
    /// Repairs what it finds.
    public let repairs: Bool
    /// Reads as fast as the disks can; else it takes half of the time at most.
    public let isUnpaced: Bool

    public init(
        verification: VerificationID, replicas: [String]?, budgetSeconds: Int?,
        ageSecondsMax: Int?, repairs: Bool, isUnpaced: Bool
    ) {
        self.verification = verification
        self.replicas = replicas
        self.budgetSeconds = budgetSeconds.map(Seconds.init(wrappedValue:))
        self.ageSecondsMax = ageSecondsMax.map(Seconds.init(wrappedValue:))
        self.repairs = repairs
        self.isUnpaced = isUnpaced
    }
}

/// What a verification found wrong with one copy or segment.
public struct VerificationProblem: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable {
        /// A copy whose bytes are not what its name says.
        case corrupt
        /// A copy that was believed to be there and is not.
        case missing
        /// Damage of a segment that is no live copy's.
        case segment
        /// A record that is newer than what the catalog knows of its name: the catalog lacks a
        /// commit.
        case unexplained
    }

    public let kind: Kind
    /// The replica's name.
    public let replica: String
    /// `nil` for damage of a segment.
    public let object: ObjectID?
    /// Where it lies, or lay; `nil` where nobody knows any more.
    public let segment: UInt32?
    /// Files that it belongs to, the first of them.
    public let files: [FileName]
    public let detail: String?
    /// Known when the verification is over; before, and without repair, `false`.
    public var isRepaired = false

    public init(
        kind: Kind, replica: String, object: ObjectID?, segment: UInt32?, files: [FileName],
        detail: String? = nil
    ) {
        self.kind = kind
        self.replica = replica
        self.object = object
        self.segment = segment
        self.files = files
        self.detail = detail
    }
}

/// How far a verification is.
public struct VerificationBody: Sendable, Codable {
    public enum Phase: String, Sendable, Codable {
        case scrubbing
        case repairing
        case done
        /// It ended before its end; see `error`.
        case failed
    }

    public struct ReplicaProgress: Sendable, Codable {
        public let name: String
        /// Bytes of the segments that this verification reads, and that it has read.
        @ByteCount public var bytes: UInt64 = 0
        @ByteCount public var bytesRead: UInt64 = 0
        /// Copies that were hashed.
        @Count public var copies = 0
        /// Copies that the catalog did not know of.
        @Count public var unknownCopies = 0
        /// Why it was not, or not wholly, read.
        public var skipped: String?

        public init(name: String) { self.name = name }
    }

    public var verification: VerificationID
    public var phase = Phase.scrubbing
    public var seconds = 0.0
    public var replicas: [ReplicaProgress] = []
    /// Replicas that count as lost: what they held is to be whole elsewhere.
    public var lost: [String] = []
    /// All that were found so far.
    @Count public var problemCount = 0
    @Count public var repairedCount = 0
    /// A page of them, in the order in which they were found.
    public var problems: [VerificationProblem] = []
    /// Copies that were made, and their bytes.
    @Count public var copiesMade = 0
    @ByteCount public var bytesCopied: UInt64 = 0
    /// Chunks in use that have fewer good copies than they should, at the end.
    @Count public var underReplicated = 0
    /// Of these, chunks that have none.
    @Count public var unreadable = 0
    /// Which replicas take no copies now, and why, where some chunks are to get more.
    public var shortage: String?
    public var error: ErrorEnvelope.Body?

    public init(verification: VerificationID) { self.verification = verification }

    /// 0 clean, 1 damage was found and repaired, 2 damage remains, 8 not all could be looked at:
    /// that is no damage that was seen.
    public var exitCode: Int32 {
        if phase == .failed || repairedCount < problemCount || underReplicated > 0 { return 2 }
        if replicas.contains(where: { $0.skipped != nil }) { return 8 }
        return problemCount > 0 ? 1 : 0
    }
}

/// How much of what is stored was read and hashed lately.
public struct CoverageBody: Sendable, Codable {
    public struct Replica: Sendable, Codable {
        public let name: String
        @Count public private(set) var copies: Int
        @ByteCount public private(set) var bytes: UInt64
        /// Copies and bytes in segments that were read to their end within `days`.
        @Count public private(set) var checkedCopies: Int
        @ByteCount public private(set) var checkedBytes: UInt64
        /// Days since the segment was read that was not read for longest; `nil` where one never
        /// was.
        public let oldestDays: Double?
        /// Bytes a day that were read within `days`.
        public let bytesPerDay: Double

        public init(
            name: String, copies: Int, bytes: UInt64, checkedCopies: Int, checkedBytes: UInt64,
            oldestDays: Double?, bytesPerDay: Double
        ) {
            self.name = name
            self.copies = copies
            self.bytes = bytes
            self.checkedCopies = checkedCopies
            self.checkedBytes = checkedBytes
            self.oldestDays = oldestDays
            self.bytesPerDay = bytesPerDay
        }
    }

    @Count public private(set) var days: Int
    public let replicas: [Replica]

    public init(days: Int, replicas: [Replica]) {
        self.days = days
        self.replicas = replicas
    }
}
