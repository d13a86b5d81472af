import Foundation

extension Report {
    /// Draws how costs grow, where that was measured, and what the cases cost otherwise.
    func writePlot(to path: String) throws {
        let svg = panels.isEmpty ? bars : Panel.svg(of: panels, title: machine[0])
        try svg.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// What is counted in bytes, and below it what is counted in files, chunks and names.
    private var bars: String {
        let timed = measurements.filter { $0.bytes > 0 || $0.operations > 1 }
        let charts = [
            BarChart(
                title: "CPU seconds per GiB, all processes together",
                rows: timed.filter { !$0.isOfMany }, divisor: \.gibibytes),
            BarChart(
                title: "CPU microseconds a file, chunk or name, all processes together",
                rows: timed.filter(\.isOfMany), divisor: \.millions),
        ]
        let height = charts.map(\.height).reduce(0, +)
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(BarChart.width)" height="\(height)" \
            font-family="DejaVu Sans, sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>

            """
        var top = 0
        for chart in charts {
            svg += "<g transform=\"translate(0 \(top))\">\n\(chart.drawing)</g>\n"
            top += chart.height
        }
        return svg + "</svg>\n"
    }
}

/// A bar for each case, by who spent what; the floor as a line.
private struct BarChart {
    private static let rowHeight = 24
    private static let labelWidth = 290
    private static let barWidth = 480
    static let width = labelWidth + barWidth + 90

    private static let parts:
        [(name: String, colour: String, usage: @Sendable (Measurement) -> Usage)] =
            [
                ("client, or the only process", "#4878a8", \.client),
                ("FileServer, or the rival's", "#e49444", \.server),
                ("replicas", "#6a9f58", \.replicas),
            ]

    let title: String
    let rows: [Measurement]
    /// By what CPU seconds are divided.
    let divisor: (Measurement) -> Double

    var height: Int { (rows.count + 3) * Self.rowHeight }

    var drawing: String {
        let most = rows.map { max($0.cpu / divisor($0), $0.floor ?? 0) }.max() ?? 1
        var svg = "<text x=\"10\" y=\"18\" font-weight=\"bold\">\(title)</text>\n"
        var x = Self.labelWidth - 80
        for part in Self.parts {
            svg += "<rect x=\"\(x)\" y=\"28\" width=\"12\" height=\"12\" fill=\"\(part.colour)\"/>"
            svg += "<text x=\"\(x + 17)\" y=\"39\">\(part.name)</text>\n"
            x += 36 + part.name.count * 7
        }
        if rows.contains(where: { $0.floor != nil }) {
            svg += "<text x=\"\(x)\" y=\"39\" fill=\"#b00\">| floor</text>\n"
        }
        for (index, one) in rows.enumerated() {
            svg += row(one, at: (index + 2) * Self.rowHeight, scale: Double(Self.barWidth) / most)
        }
        return svg
    }

    private func row(_ one: Measurement, at y: Int, scale: Double) -> String {
        let label = Self.labelWidth - 8
        var svg = "<text x=\"\(label)\" y=\"\(y + 15)\" text-anchor=\"end\">\(one.name)</text>"
        var x = Double(Self.labelWidth)
        for part in Self.parts {
            let width = part.usage(one).cpu / divisor(one) * scale
            svg += "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"17\" "
            svg += "fill=\"\(part.colour)\"/>"
            x += width
        }
        if let floor = one.floor {
            let place = Double(Self.labelWidth) + floor * scale
            svg += "<rect x=\"\(place)\" y=\"\(y - 3)\" width=\"2\" height=\"23\" fill=\"#b00\"/>"
        }
        let figure = String(format: "%.2f", one.cpu / divisor(one))
        return svg + "<text x=\"\(x + 6)\" y=\"\(y + 15)\">\(figure)</text>\n"
    }
}
