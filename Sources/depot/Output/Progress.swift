import DepotCore
import Glibc
import Synchronization

/// Tells how far something is: a bar on a terminal, a line now and then elsewhere, both on standard
/// error; lines of JSON among the results where they are asked for; nothing when quiet.
final class Progress: Sendable {
    private enum Style: Sendable {
        case bar
        case lines
        case json
        case none

        init(_ options: OutputOptions) {
            self =
                switch (options.json, options.progress, options.quiet) {
                case (true, true, _): .json
                case (true, false, _), (_, _, true): .none
                default: isatty(STDERR_FILENO) == 1 ? .bar : .lines
                }
        }

        /// A terminal is redrawn so often, a log gets a line so often.
        var interval: Duration {
            switch self {
            case .bar: .milliseconds(100)
            case .json: .seconds(1)
            case .lines, .none: .seconds(5)
            }
        }
    }

    /// What is counted.
    enum Unit: String, Sendable, Encodable {
        case bytes
        case names
        /// Nobody knows how far it is.
        case nothing

        func text(_ count: UInt64) -> String {
            switch self {
            case .bytes: "\(ByteCount(count))"
            case .names: Output.plural(Int(clamping: count), "name")
            case .nothing: ""
            }
        }

        func rate(_ count: Double) -> String {
            switch self {
            case .bytes: "\(ByteCount(rounding: count))/s"
            case .names: "\(Int(min(count, 1e9)))/s"
            case .nothing: ""
            }
        }
    }

    private struct Event: Encodable {
        struct Progress: Encodable {
            let action: String
            let unit: Unit
            let done: UInt64
            let total: UInt64?
            let seconds: Int
        }

        let progress: Progress
    }

    private struct State {
        var total: UInt64?
        var done: UInt64 = 0
        var lastShown: ContinuousClock.Instant
        var hasEnded = false
    }

    /// What takes less is not worth a word.
    private static let silence = Duration.seconds(1)

    private let label: String
    private let unit: Unit
    private let style: Style
    private let jsonStream: StandardStream
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameter jsonStream: where lines of JSON go: not into a file that is being written to
    ///   standard output.
    init(
        _ label: String, _ unit: Unit = .bytes, total: UInt64? = nil, options: OutputOptions,
        jsonStream: StandardStream = .output
    ) {
        self.label = label
        self.unit = unit
        self.jsonStream = jsonStream
        style = Style(options)
        state = Mutex(State(total: total, lastShown: start))
    }

    /// Whether anybody is told.
    var isShown: Bool { style != .none }

    func set(total: UInt64) { state.withLock { $0.total = total } }

    func advance(_ count: UInt64 = 1) {
        guard style != .none else { return }
        show { $0.done.increase(by: count) }
    }

    private func show(after change: (inout State) -> Void) {
        let now = ContinuousClock.now
        let shown = state.withLock { state -> State? in
            change(&state)
            guard !state.hasEnded, now - start >= Self.silence || style == .bar,
                now - state.lastShown >= style.interval
            else { return nil }
            state.lastShown = now
            return state
        }
        guard let shown else { return }
        switch style {
        case .bar: Output.redraw(Self.fitting(describe(shown, now)))
        case .lines: Output.note(describe(shown, now))
        case .json: Output.json(event(shown, now), to: jsonStream)
        case .none: break
        }
    }

    /// Nothing more is told.
    func end() {
        state.withLock { $0.hasEnded = true }
        clear()
    }

    /// Takes the bar away, so that what follows has the line to itself.
    func clear() { Output.clearLine() }

    /// A line above the bar.
    func interrupt(_ text: String, _ tone: Tone = .plain) { Output.note(text, tone) }

    /// Tells that something goes on of which nobody knows how far it is, from the second on for which
    /// it does.
    static func whileWaiting<Value: Sendable>(
        _ label: String, _ options: OutputOptions,
        _ body: () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let progress = Progress(label, .nothing, options: options)
        let ticks = Task {
            while true {
                try await Task.sleep(for: silence)
                progress.show { _ in }
            }
        }
        defer {
            ticks.cancel()
            progress.end()
        }
        return try await body()
    }

    private func event(_ state: State, _ now: ContinuousClock.Instant) -> Event {
        Event(
            progress: Event.Progress(
                action: label, unit: unit, done: state.done, total: state.total,
                seconds: Int(clamping: (now - start).components.seconds)))
    }

    private func describe(_ state: State, _ now: ContinuousClock.Instant) -> String {
        let elapsed = (now - start) / .seconds(1)
        guard unit != .nothing else { return "\(label)  \(Self.clock(elapsed.rounded(.down)))" }
        let done = state.done
        let rate = elapsed > 0 ? Double(done) / elapsed : 0
        let speed = unit.rate(rate)
        guard let total = state.total, total > 0 else {
            return "\(label)  \(unit.text(done))  \(speed)"
        }
        let share = min(1, Double(done) / Double(total))
        let left = rate > 0 ? Double(total - min(total, done)) / rate : 0
        let percent = "\(Int(share * 100)) %"
        let sizes = "\(unit.text(done)) of \(unit.text(total))"
        guard style == .bar else { return "\(label)  \(percent)  \(sizes)  \(speed)" }
        let filled = Int(share * 24)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
        return "\(label)  \(bar) \(percent)  \(sizes)  \(speed)  \(Self.clock(left)) left"
    }

    /// A line that is longer than the terminal is wide cannot be drawn over.
    private static func fitting(_ line: String) -> String {
        guard let width = Table.terminalWidth(of: STDERR_FILENO), line.count >= width else {
            return line
        }
        return String(line.filter { $0 != "█" && $0 != "░" }.prefix(width - 1))
    }

    private static func clock(_ seconds: Double) -> String {
        // Nobody waits for a hundred years.
        let whole = Int(min(seconds, 100 * 365 * 86_400).rounded(.up))
        let (minutes, rest) = (whole / 60, whole % 60)
        if minutes >= 60 { return "\(minutes / 60) h \(minutes % 60) min" }
        return minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
    }
}
