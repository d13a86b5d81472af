/// How long what names were before is kept, by the catalog's own time.
public struct VersionPolicy: Sendable, Hashable {
    public static let daysMax = 36_500
    public static let lastMax = 1_000_000

    /// From when it was replaced or deleted.
    public let duration: Duration
    /// So many files that the name was before, the newest of them, whenever that was.
    public let last: Int

    public init(keepingFor duration: Duration, last: Int = 0) {
        self.duration = max(.zero, duration)
        self.last = min(max(0, last), Self.lastMax)
    }

    /// - Throws: `invalidArgument`.
    public init(days: Int, last: Int) throws(DepotError) {
        guard (0...Self.daysMax).contains(days), (0...Self.lastMax).contains(last) else {
            throw DepotError(
                .invalidArgument,
                "a policy keeps for 0 to \(Self.daysMax) days, and the last 0 to \(Self.lastMax)")
        }
        self.init(keepingFor: .seconds(days * 86_400), last: last)
    }

    public static let usual = VersionPolicy(keepingFor: .seconds(30 * 86_400))
    public static let nothing = VersionPolicy(keepingFor: .zero)
    public static let everything = VersionPolicy(
        keepingFor: .seconds(daysMax * 86_400), last: lastMax)

    public var days: Int { Int(clamping: duration.components.seconds / 86_400) }
}

extension VersionPolicy {
    private enum Note {
        static let days = "keep-days"
        static let last = "keep-last"
    }

    /// As a policy's record says it.
    public var annotations: Annotations {
        get throws(DepotError) {
            try Annotations([Note.days: "\(days)", Note.last: "\(last)"])
        }
    }

    /// Of a record that no depot has written, everything is kept.
    public init(_ annotations: Annotations?) {
        guard let texts = annotations?.texts, let days = texts[Note.days].flatMap({ Int($0) }),
            let last = texts[Note.last].flatMap({ Int($0) }),
            let policy = try? VersionPolicy(days: days, last: last)
        else {
            self = .everything
            return
        }
        self = policy
    }
}
