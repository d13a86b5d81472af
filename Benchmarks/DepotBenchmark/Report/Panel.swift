/// How costs grow: lines over one axis.
struct Panel: Encodable {
    struct Line: Encodable {
        let name: String
        fileprivate(set) var points: [Point]
    }

    struct Point: Encodable {
        let x: Double
        let y: Double
    }

    let title: String
    let x: Axis
    let y: Axis
    private(set) var lines: [Line] = []

    init(_ title: String, x: Axis, y: Axis) {
        self.title = title
        self.x = x
        self.y = y
    }

    mutating func add(_ line: String, x: Double, y: Double) {
        let point = Point(x: x, y: y)
        if let index = lines.firstIndex(where: { $0.name == line }) {
            lines[index].points.append(point)
        } else {
            lines.append(Line(name: line, points: [point]))
        }
    }
}
