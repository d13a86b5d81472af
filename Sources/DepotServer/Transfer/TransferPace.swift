import DepotCore

// A client that sends or takes nothing for ever would keep its connection and all that its request
// took. But lines are slow, far away, and stand still for a while. So time is counted against a
// transfer only while it waits for the client; bytes earn it time at a least rate, and there is so
// much time in hand at the beginning, and at the most.

/// How slow the client's side of a transfer may be.
public struct TransferRules: Sendable {
    public struct Least: Sendable {
        public var bytesPerSecond: Int
        /// So long nothing at all may pass.
        public var grace: Duration

        public init(bytesPerSecond: Int, grace: Duration) {
            self.bytesPerSecond = bytesPerSecond
            self.grace = grace
        }
    }

    /// Of every body, and of every answer while connections are many. Slower than any line that
    /// people still use.
    public var always = Least(bytesPerSecond: 1 << 10, grace: .seconds(60))
    /// Of an answer while there are places enough for others: whoever pipes a download into a pager
    /// or a tape drive may be held up for minutes, and costs a connection.
    public var whileUncrowded = Least(bytesPerSecond: 1 << 10, grace: .seconds(900))
    /// While others wait for the memory that it takes, or find no place for a connection. Content of an
    /// answer is let go instead of waited for.
    public var whileWanted = Least(bytesPerSecond: 32 << 10, grace: .seconds(5))
    /// Between two looks at a connection.
    public var lookInterval = Duration.milliseconds(500)

    public init() {}
}

/// The time that a transfer has in hand.
struct TransferPace {
    private let least: TransferRules.Least
    private var inHand: Duration

    init(_ least: TransferRules.Least) {
        self.least = least
        inHand = least.grace
    }

    var isTooSlow: Bool { inHand <= .zero }

    /// - Parameter time: that was waited for the client, in which so many bytes passed.
    mutating func waited(_ time: Duration, for bytes: Int) {
        // More than this comes to the whole grace anyway, and the sum below stays small.
        let counted = min(bytes, 1 << 40)
        let earned = Duration.seconds(Double(counted) / Double(max(1, least.bytesPerSecond)))
        inHand = max(.zero, min(least.grace, inHand + earned) - time)
    }
}

/// Judges what is seen of a connection, look by look. Pure.
struct TransferMeter {
    /// What happened since the last look.
    struct Look {
        var received = 0
        var sent = 0
        /// Whether a request waits for more of its body.
        var isBodyAwaited = false
        /// Whether bytes of an answer wait for the client to take them.
        var isAnswerUntaken = false
        /// Whether others wait for the memory that the request takes, or for its place.
        var isWanted = false
        /// Whether connections are so many that others may soon find no place.
        var isCrowded = false
        /// Whether the client sends nothing more.
        var isHalfClosed = false

        /// Whether the client is waited for, and does nothing.
        var isStill: Bool {
            (isBodyAwaited || isAnswerUntaken) && received == 0 && sent == 0
        }
    }

    enum Finding: Equatable {
        case goesOn
        /// The client takes nothing: what is in memory for it may be let go.
        case standsStill
        /// The body comes too slowly: say so.
        case bodyTooSlow(bytesPerSecond: Int)
        /// The answer is taken too slowly, or nobody is there any more: give everything up.
        case answerTooSlow
        case isGone
    }

    /// A client that sends nothing more may still listen; if nothing comes to pass for so many
    /// looks, it does not.
    private static let halfClosedLooksMax = 6

    private let rules: TransferRules
    private var body: TransferPace
    private var bodyWhileWanted: TransferPace
    private var answer: TransferPace
    private var answerWhileUncrowded: TransferPace
    private var answerWhileWanted: TransferPace
    private var looksInVain = 0

    init(_ rules: TransferRules) {
        self.rules = rules
        body = TransferPace(rules.always)
        bodyWhileWanted = TransferPace(rules.whileWanted)
        answer = TransferPace(rules.always)
        answerWhileUncrowded = TransferPace(rules.whileUncrowded)
        answerWhileWanted = TransferPace(rules.whileWanted)
    }

    /// A request begins.
    mutating func begin() {
        body = TransferPace(rules.always)
        bodyWhileWanted = TransferPace(rules.whileWanted)
        looksInVain = 0
    }

    mutating func look(after time: Duration, _ look: Look) -> Finding {
        if look.isAnswerUntaken {
            answer.waited(time, for: look.sent)
            answerWhileUncrowded.waited(time, for: look.sent)
            answerWhileWanted.waited(time, for: look.sent)
            if look.isCrowded, answer.isTooSlow { return .answerTooSlow }
            if answerWhileUncrowded.isTooSlow { return .answerTooSlow }
            if look.isWanted, answerWhileWanted.isTooSlow { return .answerTooSlow }
        } else {
            answer = TransferPace(rules.always)
            answerWhileUncrowded = TransferPace(rules.whileUncrowded)
            answerWhileWanted = TransferPace(rules.whileWanted)
        }
        let bodyTime = look.isBodyAwaited ? time : .zero
        body.waited(bodyTime, for: look.received)
        bodyWhileWanted.waited(bodyTime, for: look.received)
        if look.isBodyAwaited {
            if body.isTooSlow { return .bodyTooSlow(bytesPerSecond: rules.always.bytesPerSecond) }
            if look.isWanted, bodyWhileWanted.isTooSlow {
                return .bodyTooSlow(bytesPerSecond: rules.whileWanted.bytesPerSecond)
            }
        }
        looksInVain = look.isHalfClosed && look.sent == 0 ? looksInVain + 1 : 0
        if looksInVain >= Self.halfClosedLooksMax { return .isGone }
        return look.isAnswerUntaken && look.sent == 0 ? .standsStill : .goesOn
    }
}
