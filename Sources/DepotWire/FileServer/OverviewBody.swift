import DepotCore

/// What needs attention, and how the depot is.
public struct OverviewBody: Sendable, Codable {
    /// Something that somebody should know, or do.
    public struct Notice: Sendable, Codable, Hashable {
        public enum Urgency: String, Sendable, Codable, Comparable, CaseIterable {
            /// Something is lost, or nothing is written.
            case urgent
            /// It will be, if nobody does anything.
            case warning
            /// It is as somebody wanted it, or cures itself.
            case notice

            public static func < (left: Self, right: Self) -> Bool {
                allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
            }
        }

        /// What the page can do about it, where who looks may.
        public enum Action: String, Sendable, Codable {
            case verify
            case collect
        }

        public let urgency: Urgency
        /// What is the matter, as a sentence.
        public let text: String
        /// What to do, as a sentence; absent where there is nothing to do.
        public let cure: String?
        /// What to type for it.
        public let command: String?
        public let action: Action?
        /// The replica that it is about.
        public let replica: String?

        public init(
            _ urgency: Urgency, _ text: String, cure: String? = nil, command: String? = nil,
            action: Action? = nil, replica: String? = nil
        ) {
            self.urgency = urgency
            self.text = text
            self.cure = cure
            self.command = command
            self.action = action
            self.replica = replica
        }
    }

    /// Chunks that wait for copies.
    public struct Repair: Sendable, Codable, Hashable {
        @Count public private(set) var waiting: Int
        /// Of the worst, at most `lookedAtMax`, those that have no good copy, and those with one.
        @Count public private(set) var unreadable: Int
        @Count public private(set) var lastCopies: Int
        /// Some files that have an unreadable chunk.
        public let files: [FileName]

        public static let lookedAtMax = 512

        public init(waiting: Int, unreadable: Int, lastCopies: Int, files: [FileName]) {
            self.files = files
            self.waiting = waiting
            self.unreadable = unreadable
            self.lastCopies = lastCopies
        }
    }

    public let notices: [Notice]
    public let status: StatusBody
    public let repair: Repair
    /// Absent until replicas were asked.
    public let coverage: CoverageBody?

    public init(
        notices: [Notice], status: StatusBody, repair: Repair, coverage: CoverageBody?
    ) {
        self.notices = notices
        self.status = status
        self.repair = repair
        self.coverage = coverage
    }
}

/// What went on of late, in slots of equal length, the oldest first; the last one is not over.
public struct TrafficBody: Sendable, Codable {
    @Seconds public private(set) var slotSeconds: Int
    public let requests: [Int]
    /// Requests that the FileServer could not serve: their status was 500 or more.
    public let failures: [Int]
    /// Bytes of bodies and of answers, counted when their request ended.
    public let received: [UInt64]
    public let sent: [UInt64]
    /// Milliseconds that half of the requests, and 99 in 100, took at most; absent in a slot without.
    public let medians: [Double?]
    public let slowest: [Double?]

    public init(
        slotSeconds: Int, requests: [Int], failures: [Int], received: [UInt64], sent: [UInt64],
        medians: [Double?], slowest: [Double?]
    ) {
        self.requests = requests
        self.failures = failures
        self.received = received
        self.sent = sent
        self.medians = medians
        self.slowest = slowest
        self.slotSeconds = slotSeconds
    }
}
