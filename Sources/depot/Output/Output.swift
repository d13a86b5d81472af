import DepotCore
import FoundationEssentials
import Glibc
import Synchronization

// Everything that a command writes goes through here, and nothing past it. Results are promises:
// whoever saves a list or JSON has to be told where it is not whole. So the first write that fails
// is remembered, nothing is written behind the gap, and `Failure`, through which every command
// ends, makes an error of it. A line is a line: whatever stands in it that a terminal would obey,
// or that nobody would see, is written out, see `String.printable`. JSON is exact.

/// Everything that is written for people or programs.
enum Output {
    /// Why results are not whole.
    private static let unwritten = Mutex<DepotError?>(nil)

    static var failure: DepotError? { unwritten.withLock { $0 } }

    /// Of results, on standard output.
    static func line(_ text: String, _ tone: Tone = .plain) {
        let text = text.printable
        deliver("\(isColoured ? tone.on(text) : text)\n", to: .output)
    }

    private static let isColoured = Tone.isShown(on: .output)

    /// Help and the like, which consist of depot's own words.
    static func page(_ text: String) { deliver("\(text)\n", to: .output) }

    /// For whoever started a daemon: without a reader it works on.
    static func announce(_ text: String) throws(DepotError) {
        try StandardStream.output.write("\(text.printable)\n")
    }

    static func complain(_ text: String) { note("depot: \(text)", .bad) }

    /// Beside the results, on standard error. Where nobody listens there, nobody can be told.
    static func note(_ text: String, _ tone: Tone = .plain) {
        let text = text.printable
        let isColoured = Tone.isShown(on: .error)
        clearLine()
        try? StandardStream.error.write("\(isColoured ? tone.on(text) : text)\n")
    }

    /// Begins a new picture at the top of the terminal; behind the last one elsewhere.
    static func beginPicture() {
        if isatty(STDOUT_FILENO) == 1 { deliver("\u{1B}[H\u{1B}[2J", to: .output) }
    }

    /// Draws over what stands in the terminal's line.
    static func redraw(_ text: String) {
        isLineDrawn.withLock { $0 = true }
        try? StandardStream.error.write("\(clearedLine)\(text.printable)")
    }

    /// Takes away what was drawn, if anything is.
    static func clearLine() {
        let wasDrawn = isLineDrawn.withLock { isDrawn in
            defer { isDrawn = false }
            return isDrawn
        }
        if wasDrawn { try? StandardStream.error.write(clearedLine) }
    }

    private static let clearedLine = "\r\u{1B}[K"
    /// Whether a line is drawn that has no end: what is told beside it takes its place.
    private static let isLineDrawn = Mutex(false)

    /// One JSON object, on standard output unless that carries something else.
    static func json(_ value: some Encodable, to stream: StandardStream = .output) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            deliver(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n", to: stream)
        } catch {
            fail(DepotError(.internalError, "could not write JSON", cause: error))
        }
    }

    private static func deliver(_ text: String, to stream: StandardStream) {
        guard failure == nil else { return }
        do throws(DepotError) {
            try stream.write(text)
        } catch {
            fail(error)
        }
    }

    private static func fail(_ error: DepotError) {
        unwritten.withLock { $0 = $0 ?? error }
    }

    static func table(
        _ rows: [[String]], rightAligned: Set<Int> = [], cuttable: Set<Int> = [],
        tone: @escaping (_ row: Int, _ column: Int) -> Tone = { _, _ in .plain }
    ) {
        let table = Table(rows, rightAligned: rightAligned, cuttable: cuttable, tone: tone)
        for line in table.lines(width: Table.terminalWidth(), isColoured: isColoured) {
            deliver("\(line)\n", to: .output)
        }
    }

    /// `2026-11-24 03:40:12`, in UTC.
    static func time(_ seconds: Int64) -> String {
        date(seconds).formatted(.iso8601.dateTimeSeparator(.space)).replacing("Z", with: "")
    }

    /// `2026-11-24T03:40:12Z`
    static func timestamp(_ seconds: Int64) -> String { date(seconds).formatted(.iso8601) }

    /// What lies outside the years 1 to 9999, which calendars do not take, becomes the nearest
    /// moment in them.
    private static func date(_ seconds: Int64) -> Date {
        Date(timeIntervalSince1970: TimeInterval(FileRecord.clampedTime(seconds)))
    }

    /// - Parameter nouns: the plural where it is not the noun with an s.
    static func plural(_ count: Int, _ noun: String, many nouns: String? = nil) -> String {
        "\(count) \(count == 1 ? noun : nouns ?? "\(noun)s")"
    }
}
