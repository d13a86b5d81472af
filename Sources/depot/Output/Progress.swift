import DepotCore
import Glibc
import Synchronization

/// Tells on standard error how far something is: a bar on a terminal, a line now and then
/// elsewhere, nothing when quiet.
final class Progress: Sendable {
    enum Style: Sendable {
        case bar
        case lines
        case none
    }

    private struct State {
        var total: UInt64?
        var done: UInt64 = 0
        var lastShown: ContinuousClock.Instant
        var isDrawn = false
    }

    /// A terminal is redrawn so often, a log gets a line so often.
    private static let barInterval = Duration.milliseconds(100)
    private static let lineInterval = Duration.seconds(5)

    private let label: String
    private let style: Style
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    init(_ label: String, total: UInt64?, options: OutputOptions) {
        self.label = label
        style = options.quiet || options.json ? .none : isatty(STDERR_FILENO) == 1 ? .bar : .lines
        state = Mutex(State(total: total, lastShown: start))
    }

    /// Whether anybody is told.
    var isShown: Bool { style != .none }

    func set(total: UInt64) { state.withLock { $0.total = total } }

    func advance(_ bytes: UInt64) {
        guard style != .none else { return }
        let now = ContinuousClock.now
        let text = state.withLock { state -> String? in
            state.done.increase(by: bytes)
            let interval = style == .bar ? Self.barInterval : Self.lineInterval
            guard now - state.lastShown >= interval else { return nil }
            state.lastShown = now
            state.isDrawn = true
            return describe(state, now)
        }
        guard let text else { return }
        switch style {
        case .bar: Output.redraw(text)
        case .lines: Output.note(text)
        case .none: break
        }
    }

    /// Takes the bar away, so that what follows has the line to itself.
    func end() {
        let isDrawn = state.withLock { $0.isDrawn }
        if style == .bar, isDrawn { Output.redraw("") }
    }

    /// A line above the bar.
    func interrupt(_ text: String) {
        end()
        Output.note(text)
    }

    private func describe(_ state: State, _ now: ContinuousClock.Instant) -> String {
        let elapsed =
            Double((now - start).components.seconds)
            + Double((now - start).components.attoseconds) / 1e18
        let done = state.done
        let rate = elapsed > 0 ? Double(done) / elapsed : 0
        let speed = "\(ByteCount(rounding: rate))/s"
        guard let total = state.total, total > 0 else {
            return "\(label)  \(ByteCount(done))  \(speed)"
        }
        let share = min(1, Double(done) / Double(total))
        let left = rate > 0 ? Double(total - min(total, done)) / rate : 0
        let percent = "\(Int(share * 100)) %"
        let sizes = "\(ByteCount(done)) of \(ByteCount(total))"
        guard style == .bar else { return "\(label)  \(percent)  \(sizes)  \(speed)" }
        let filled = Int(share * 24)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
        return "\(label)  \(bar) \(percent)  \(sizes)  \(speed)  \(Self.clock(left)) left"
    }

    private static func clock(_ seconds: Double) -> String {
        // Nobody waits for a hundred years.
        let whole = Int(min(seconds, 100 * 365 * 86_400).rounded(.up))
        let (minutes, rest) = (whole / 60, whole % 60)
        if minutes >= 60 { return "\(minutes / 60) h \(minutes % 60) min" }
        return minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
    }
}
