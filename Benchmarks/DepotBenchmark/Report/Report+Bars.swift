import Foundation

extension Report {
    private static let rowHeight = 26
    private static let labelWidth = 290
    private static let barWidth = 480

    /// Draws how costs grow, where that was measured, and what the cases cost otherwise.
    func writePlot(to path: String) throws {
        let svg = panels.isEmpty ? bars : Panel.svg(of: panels, title: machine[0])
        try svg.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// CPU seconds per GiB of each case, by who spent them; the floor as a line.
    private var bars: String {
        let cases = measurements.filter { $0.bytes > 0 }
        let most = cases.map { max($0.cpuPerGiB ?? 0, $0.floor ?? 0) }.max() ?? 1
        let height = (cases.count + 3) * Self.rowHeight
        let width = Self.labelWidth + Self.barWidth + 90
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>
            <text x="10" y="18" font-weight="bold">CPU seconds per GiB, all processes together</text>

            """
        let legend = [("client", "#4878a8"), ("FileServer", "#e49444"), ("replicas", "#6a9f58")]
        for (index, (name, colour)) in legend.enumerated() {
            let x = Self.labelWidth + index * 110
            svg += "<rect x=\"\(x)\" y=\"28\" width=\"12\" height=\"12\" fill=\"\(colour)\"/>"
            svg += "<text x=\"\(x + 17)\" y=\"39\">\(name)</text>\n"
        }
        svg += "<text x=\"\(Self.labelWidth + 330)\" y=\"39\" fill=\"#b00\">| floor</text>\n"
        for (index, one) in cases.enumerated() {
            svg += Self.row(one, at: (index + 2) * Self.rowHeight, most: most, legend.map(\.1))
        }
        return svg + "</svg>\n"
    }

    private static func row(
        _ one: Measurement, at y: Int, most: Double, _ colours: [String]
    ) -> String {
        let scale = Double(barWidth) / most
        var svg =
            "<text x=\"\(labelWidth - 8)\" y=\"\(y + 15)\" text-anchor=\"end\">\(one.name)</text>"
        var x = Double(labelWidth)
        for (usage, colour) in zip([one.client, one.server, one.replicas], colours) {
            let width = usage.cpu / one.gibibytes * scale
            svg +=
                "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"18\" fill=\"\(colour)\"/>"
            x += width
        }
        if let floor = one.floor {
            let place = Double(labelWidth) + floor * scale
            svg += "<rect x=\"\(place)\" y=\"\(y - 3)\" width=\"2\" height=\"24\" fill=\"#b00\"/>"
        }
        let text = String(format: "%.2f", one.cpuPerGiB ?? 0)
        return svg + "<text x=\"\(x + 6)\" y=\"\(y + 15)\">\(text)</text>\n"
    }
}
