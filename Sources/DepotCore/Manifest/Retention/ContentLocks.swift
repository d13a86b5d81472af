/// Until when a content of a name may not go.
public struct ContentLock: Sendable, Hashable {
    /// Seconds since 1970; `nil`: no time was said.
    public let until: Int64?
    /// Until somebody releases it.
    public let isHeld: Bool

    /// - Returns: `nil` for what locks nothing.
    public init?(until: Int64?, isHeld: Bool) {
        guard until != nil || isHeld else { return nil }
        self.until = until.map(FileRecord.clampedTime)
        self.isHeld = isHeld
    }
}

extension ContentLock {
    fileprivate func joined(with other: ContentLock) -> ContentLock {
        let until = [until, other.until].compactMap(\.self).max()
        return ContentLock(until: until, isHeld: isHeld || other.isHeld) ?? self
    }
}

extension ContentLock: LosslessStringConvertible {
    /// `1767225600`, `held`, or `held 1767225600`.
    public var description: String {
        switch (isHeld, until) {
        case (true, let until?): "held \(until)"
        case (true, nil): "held"
        case (false, let until): until.map { "\($0)" } ?? ""
        }
    }

    /// Takes what `description` gives.
    public init?(_ text: String) {
        var time = Substring(text)
        let isHeld = time.hasPrefix("held")
        if isHeld { time = time.dropFirst("held".count).drop { $0 == " " } }
        let until = Int64(time)
        guard until != nil || time.isEmpty, let lock = ContentLock(until: until, isHeld: isHeld),
            lock.description == text
        else { return nil }
        self = lock
    }
}

extension ContentLock: Codable {
    private enum CodingKeys: String, CodingKey {
        case until
        case isHeld
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let lock = ContentLock(
            until: try container.decodeIfPresent(Int64.self, forKey: .until),
            isHeld: try container.decode(Bool.self, forKey: .isHeld))
        guard let lock else {
            throw DecodingError.dataCorruptedError(
                forKey: .isHeld, in: container, debugDescription: "a lock that locks nothing")
        }
        self = lock
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(until, forKey: .until)
        try container.encode(isHeld, forKey: .isHeld)
    }
}

/// The contents of a name that may not go, whatever the name says now. Each word on a name says all
/// of them, deletions too.
public struct ContentLocks: Sendable, Hashable {
    public static let countMax = 32

    /// By the id of the content's manifest.
    public private(set) var locks: [ChunkID: ContentLock] = [:]

    public static let none = ContentLocks()

    private init() {}

    /// - Throws: `invalidArgument` where there are too many.
    public init(_ locks: [ChunkID: ContentLock]) throws(DepotError) {
        guard locks.count <= Self.countMax else {
            throw DepotError(
                .invalidArgument,
                "at most \(Self.countMax) contents of one name are locked at a time")
        }
        self.locks = locks
    }

    public subscript(content: ChunkID) -> ContentLock? { locks[content] }

    /// All of both, each for as long as one of them says.
    ///
    /// - Throws: `invalidArgument` where these are too many.
    public func joined(with other: ContentLocks) throws(DepotError) -> ContentLocks {
        try ContentLocks(locks.merging(other.locks) { $0.joined(with: $1) })
    }
}

extension ContentLocks {
    /// As a record has them; `nil` where there are none.
    var texts: [String: String]? {
        guard !locks.isEmpty else { return nil }
        return Dictionary(
            uniqueKeysWithValues: locks.map { ($0.key.hex, $0.value.description) })
    }

    /// - Throws: `invalidArgument` for what `texts` does not give.
    init(texts: [String: String]) throws(DepotError) {
        var locks: [ChunkID: ContentLock] = [:]
        for (content, text) in texts {
            guard let content = ChunkID(hex: content), let lock = ContentLock(text) else {
                throw DepotError(.invalidArgument, "'locks' has something that is no lock")
            }
            locks[content] = lock
        }
        try self.init(locks)
    }
}

/// A change of what is locked.
public struct LockChange: Sendable, Hashable {
    /// Seconds since 1970. A lock that is not broken is made longer by it, never shorter.
    public let until: Int64?
    /// `nil`: as it is.
    public let isHeld: Bool?
    /// Whether an administrator breaks the lock: its time is the one that is said, or none.
    public let breaks: Bool

    /// - Throws: `invalidArgument` for what changes nothing.
    public init(until: Int64?, isHeld: Bool?, breaks: Bool = false) throws(DepotError) {
        guard until != nil || isHeld != nil || breaks else {
            throw DepotError(.invalidArgument, "say until when it is locked, or whether it is held")
        }
        if let until, !FileRecord.timeRange.contains(until) {
            throw DepotError(.invalidArgument, "a lock ends in the years 1 to 9999")
        }
        self.until = until
        self.isHeld = isHeld
        self.breaks = breaks
    }

    /// What the lock is after it.
    ///
    /// - Parameters:
    ///   - lock: `nil` where there is none.
    ///   - name: for the error.
    /// - Returns: `nil` where nothing is locked any more.
    /// - Throws: `conflict` where it would end before it does, and is not broken.
    public func applied(
        to lock: ContentLock?, of name: FileName
    ) throws(DepotError) -> ContentLock? {
        if breaks {
            return ContentLock(until: until, isHeld: isHeld ?? lock?.isHeld ?? false)
        }
        if let until, let before = lock?.until, until < before {
            throw DepotError(
                .conflict, "it is locked for longer than that; a lock is never made shorter",
                object: name.text)
        }
        return ContentLock(until: until ?? lock?.until, isHeld: isHeld ?? lock?.isHeld ?? false)
    }
}
