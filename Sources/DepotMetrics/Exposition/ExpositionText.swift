/// Writes the text format of Prometheus, version 0.0.4.
struct ExpositionText {
    private(set) var text = ""

    init(capacity: Int) { text.reserveCapacity(capacity) }

    mutating func begin(_ family: MetricFamily) {
        text += "# HELP \(family.name) \(Self.escaped(family.help, quote: false))\n"
        text += "# TYPE \(family.name) \(family.kind.word)\n"
    }

    /// - Parameters:
    ///   - suffix: behind the family's name.
    ///   - values: of the family's labels.
    ///   - bound: of a bucket.
    mutating func sample(
        _ family: MetricFamily, suffix: String = "", _ values: [String], bound: String? = nil,
        _ number: String
    ) {
        text += family.name
        text += suffix
        var separator = "{"
        for (label, value) in zip(family.labels, values) {
            text += "\(separator)\(label)=\"\(Self.escaped(value, quote: true))\""
            separator = ","
        }
        if let bound {
            text += "\(separator)le=\"\(bound)\""
            separator = ","
        }
        text += separator == "," ? "} \(number)\n" : " \(number)\n"
    }

    /// - Parameter quote: whether quotes are escaped, too: in a label's value they end it.
    static func escaped(_ text: String, quote: Bool) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\n")
                && (byte != UInt8(ascii: "\"") || !quote)
        }
        if isPlain { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\n": escaped += #"\n"#
            case "\"" where quote: escaped += #"\""#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whole numbers without a fraction; `NaN`, `+Inf` and `-Inf`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }
}

extension MetricFamily.Kind {
    fileprivate var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
