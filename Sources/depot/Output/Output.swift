import DepotCore
import FoundationEssentials
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
    static func line(_ text: String) { deliver("\(text.printable)\n", to: .output) }

    /// Help and the like, which consist of depot's own words.
    static func page(_ text: String) { deliver("\(text)\n", to: .output) }

    /// For whoever started a daemon: without a reader it works on.
    static func announce(_ text: String) throws(DepotError) {
        try StandardStream.output.write("\(text.printable)\n")
    }

    static func complain(_ text: String) { note("depot: \(text)") }

    /// Beside the results, on standard error. Where nobody listens there, nobody can be told.
    static func note(_ text: String) { try? StandardStream.error.write("\(text.printable)\n") }

    /// Draws over what stands in the terminal's line.
    static func redraw(_ text: String) {
        try? StandardStream.error.write("\r\u{1B}[K\(text.printable)")
    }

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

    /// Columns, aligned; numbers to the right.
    static func table(_ rows: [[String]], rightAligned: Set<Int> = []) {
        let rows = rows.map { $0.map(\.printable) }
        guard let columns = rows.map(\.count).max() else { return }
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        for row in rows {
            let cells = row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                if rightAligned.contains(column) { return padding + text }
                return column == row.count - 1 ? text : text + padding
            }
            deliver(cells.joined(separator: "  ") + "\n", to: .output)
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
