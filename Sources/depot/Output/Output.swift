import DepotCore
import FoundationEssentials
import Glibc

/// Everything that is written for people or programs.
enum Output {
    static func line(_ text: String) { write("\(text)\n", to: STDOUT_FILENO) }

    static func complain(_ text: String) { write("depot: \(text)\n", to: STDERR_FILENO) }

    static func note(_ text: String) { write("\(text)\n", to: STDERR_FILENO) }

    /// One JSON object, on standard output unless that carries something else.
    static func json(_ value: some Encodable, to descriptor: Int32 = STDOUT_FILENO) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            write(
                String(decoding: try encoder.encode(value), as: UTF8.self) + "\n", to: descriptor)
        } catch {
            complain("could not write JSON: \(error)")
            exit(70)
        }
    }

    /// Writes all of it; whoever does not listen any more is not told the rest.
    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Columns, aligned; numbers to the right.
    static func table(_ rows: [[String]], rightAligned: Set<Int> = []) {
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
            line(cells.joined(separator: "  "))
        }
    }

    /// `2026-11-24 03:40:12`, in UTC.
    static func time(_ seconds: Int64) -> String {
        let date = Date(timeIntervalSince1970: TimeInterval(seconds))
        return date.formatted(.iso8601.dateTimeSeparator(.space)).replacing("Z", with: "")
    }

    /// `2026-11-24T03:40:12Z`
    static func timestamp(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }

    /// - Parameter nouns: the plural where it is not the noun with an s.
    static func plural(_ count: Int, _ noun: String, _ nouns: String? = nil) -> String {
        "\(count) \(count == 1 ? noun : nouns ?? "\(noun)s")"
    }
}
