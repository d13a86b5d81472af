import Glibc

/// How something is shown on a terminal that has colours; elsewhere it is as plain as all else. What it
/// means is in the words, too.
enum Tone: Int {
    case plain = 0
    case faint = 2
    case bad = 31
    case good = 32
    case warning = 33

    /// Whether somebody looks at a stream who wants colours (no-color.org).
    static func isShown(on stream: StandardStream) -> Bool {
        isatty(stream.rawValue) == 1 && isWanted("NO_COLOR") && isWanted("TERM", unless: "dumb")
    }

    private static func isWanted(_ variable: String, unless value: String? = nil) -> Bool {
        guard let text = getenv(variable).map({ String(cString: $0) }) else { return true }
        return value.map { text != $0 } ?? text.isEmpty
    }

    /// - Parameter text: printable.
    func on(_ text: String) -> String {
        self == .plain ? text : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }
}
