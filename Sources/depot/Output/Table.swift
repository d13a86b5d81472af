import CLinux
import Glibc

/// Columns, aligned.
struct Table {
    /// Columns that are cut keep so many characters.
    private static let narrowest = 12

    private let rows: [[String]]
    private let rightAligned: Set<Int>
    private let cuttable: Set<Int>
    private let tone: (_ row: Int, _ column: Int) -> Tone

    /// - Parameters:
    ///   - rightAligned: columns of numbers.
    ///   - cuttable: columns of texts that nobody has to copy: they are cut where the terminal is
    ///     narrow. It breaks the lines of the others.
    ///   - tone: of a cell.
    init(
        _ rows: [[String]], rightAligned: Set<Int> = [], cuttable: Set<Int> = [],
        tone: @escaping (_ row: Int, _ column: Int) -> Tone = { _, _ in .plain }
    ) {
        self.rows = rows.map { $0.map(\.printable) }
        self.rightAligned = rightAligned
        self.cuttable = cuttable
        self.tone = tone
    }

    /// - Parameters:
    ///   - width: characters in a line; `nil`: as many as are needed.
    ///   - isColoured: whether tones are shown.
    func lines(width: Int?, isColoured: Bool) -> [String] {
        let widths = widths(atMost: width)
        return rows.enumerated().map { row, cells in
            cells.enumerated().map { column, text in
                let isLast = column == cells.count - 1
                let cell = Self.fit(
                    text, to: widths[column], rightAligned: rightAligned.contains(column),
                    isLast: isLast)
                return isColoured ? tone(row, column).on(cell) : cell
            }.joined(separator: "  ")
        }
    }

    private func widths(atMost limit: Int?) -> [Int] {
        let columns = rows.map(\.count).max() ?? 0
        var widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        guard let limit else { return widths }
        let cuttable = widths.indices.filter(cuttable.contains)
        while widths.reduce(2 * max(0, columns - 1), +) > limit,
            let widest = cuttable.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > Self.narrowest
        { widths[widest] -= 1 }
        return widths
    }

    private static func fit(
        _ text: String, to width: Int, rightAligned: Bool, isLast: Bool
    ) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.count))
        if rightAligned { return padding + text }
        if isLast { return text }
        return text.count > width ? text.prefix(width - 1) + "…" : text + padding
    }

    /// Columns of the terminal that standard output, or another stream, is; `nil` where it is none.
    static func terminalWidth(of descriptor: Int32 = STDOUT_FILENO) -> Int? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0,
            size.ws_col > 0
        else { return nil }
        return Int(size.ws_col)
    }
}
