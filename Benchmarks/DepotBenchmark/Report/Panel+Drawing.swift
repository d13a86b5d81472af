extension Panel {
    static let size = (width: 580, height: 330)
    private static let area = (left: 70.0, top: 40.0, width: 300.0, height: 225.0)
    private static let colours = ["#4878a8", "#e49444", "#6a9f58", "#b0413e", "#7b5ea7", "#444444"]

    /// Panels beside and below each other.
    static func svg(of panels: [Panel], title: String, columns: Int = 2) -> String {
        let rows = (panels.count + columns - 1) / columns
        let top = 34
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(columns * size.width)" \
            height="\(top + rows * size.height)" font-family="DejaVu Sans, sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            <text x="14" y="22" font-size="14">\(title)</text>

            """
        for (index, panel) in panels.enumerated() {
            let (x, y) = (index % columns * size.width, top + index / columns * size.height)
            svg += "<g transform=\"translate(\(x) \(y))\">\n\(panel.drawing)</g>\n"
        }
        return svg + "</svg>\n"
    }

    private var drawing: String {
        let points = lines.flatMap(\.points)
        let across = Axis.Range(of: x, showing: points.map(\.x))
        let up = Axis.Range(of: y, showing: points.map(\.y))
        let area = Self.area
        func left(_ value: Double) -> Double { area.left + across.place(of: value) * area.width }
        func top(_ value: Double) -> Double {
            area.top + (1 - up.place(of: value)) * area.height
        }
        let bottom = area.top + area.height
        let right = area.left + area.width
        var svg = Self.text(area.left, 20, title, anchor: "start", "font-weight=\"bold\"")
        for tick in across.ticks {
            let place = left(tick.value)
            svg += Self.line(place, area.top, place, bottom, isStrong: !tick.label.isEmpty)
            svg += Self.text(place, bottom + 17, tick.label, anchor: "middle")
        }
        for tick in up.ticks {
            let place = top(tick.value)
            svg += Self.line(area.left, place, right, place, isStrong: !tick.label.isEmpty)
            svg += Self.text(area.left - 7, place + 4, tick.label, anchor: "end")
        }
        svg += Self.text(area.left + area.width / 2, bottom + 38, caption(x), anchor: "middle")
        svg += """
            <text transform="translate(16 \(area.top + area.height / 2)) rotate(-90)" \
            text-anchor="middle">\(caption(y))</text>

            """
        for (index, line) in lines.enumerated() {
            let colour = Self.colours[index % Self.colours.count]
            let places = line.points.map { (left($0.x), top($0.y)) }
            let path = places.map { "\(Self.number($0)),\(Self.number($1))" }
                .joined(separator: " ")
            svg += """
                <polyline points="\(path)" fill="none" stroke="\(colour)" stroke-width="2"/>

                """
            for (x, y) in places {
                svg += "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"3\" "
                svg += "fill=\"\(colour)\"/>\n"
            }
            let y = area.top + 12 + Double(index) * 19
            svg += "<rect x=\"\(right + 14)\" y=\"\(y - 9)\" width=\"10\" height=\"10\" "
            svg += "fill=\"\(colour)\"/>\n"
            svg += Self.text(right + 30, y, line.name, anchor: "start")
        }
        return svg
    }

    private func caption(_ axis: Axis) -> String {
        axis.scale == .linear ? axis.label : "\(axis.label) (log)"
    }

    private static func text(
        _ x: Double, _ y: Double, _ text: String, anchor: String, _ more: String = ""
    ) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" \(more)>"
            + "\(escaped)</text>\n"
    }

    private static func line(
        _ x: Double, _ y: Double, _ endX: Double, _ endY: Double, isStrong: Bool
    ) -> String {
        "<line x1=\"\(number(x))\" y1=\"\(number(y))\" x2=\"\(number(endX))\" y2=\"\(number(endY))\" "
            + "stroke=\"\(isStrong ? "#ccc" : "#eee")\"/>\n"
    }

    private static func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
