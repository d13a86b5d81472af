// Names, paths and whatever another machine sent reach terminals and logs. A name may hold
// characters that a terminal obeys (escape sequences, newlines), that turn the order of what is
// shown (bidirectional controls: `a<U+202E>gpj.exe` looks like `aexe.jpg`) or that are not seen at
// all (zero-width ones: two names look the same). Each such character is written as `\u{202E}`; a
// backslash in front of `u{` is written as `\u{5C}`, so that no name can pass itself off as another
// one's escaped form. Everything else stays as it is. Whoever writes for people applies this, and
// nobody before.

extension String {
    /// For people to read, in one line, whatever it consists of. Two different texts never look the
    /// same by what is not seen.
    public var printable: String { utf8.contains { !$0.isPlain } ? Self.escaped(self) : self }

    private static func escaped(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        return scalars.indices.reduce(into: "") { result, index in
            let opensEscape = scalars[(index + 1)...].prefix(2).elementsEqual(["u", "{"])
            result += scalars[index].printable(opensEscape: opensEscape)
        }
    }

    /// What is no text, as a path may be: each byte that is no UTF-8 becomes `\x{E9}`, and a
    /// backslash in front of `x{` becomes `\x{5C}`. For errors that say that it is none.
    public init(marking bytes: some Sequence<UInt8>) {
        var text = ""
        var rest = Array(bytes)[...]
        while let first = rest.first {
            var (decoder, iterator) = (UTF8(), rest.makeIterator())
            let isLiteral =
                first == UInt8(ascii: "\\") && rest.dropFirst().prefix(2).elementsEqual("x{".utf8)
            if !isLiteral, case .scalarValue(let scalar) = decoder.decode(&iterator) {
                text.unicodeScalars.append(scalar)
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                text += "\\x{\(hex(UInt32(first)))}"
                rest = rest.dropFirst()
            }
        }
        self = text
    }
}

extension Unicode.Scalar {
    /// - Parameter opensEscape: whether `u{` follows.
    fileprivate func printable(opensEscape: Bool) -> String {
        let isWrittenOut = isUnseen || self == "\\" && opensEscape
        return isWrittenOut ? "\\u{\(hex(value))}" : String(self)
    }

    /// Controls, what turns the direction of text, what takes no room, and what begins a line.
    private var isUnseen: Bool {
        if value < 0x20 || (0x7F...0x9F).contains(value) { return true }
        if isASCII { return false }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isDefaultIgnorableCodePoint
        }
    }
}

extension UInt8 {
    /// Most text is this and nothing else.
    fileprivate var isPlain: Bool { (0x20..<0x7F).contains(self) && self != UInt8(ascii: "\\") }
}

private func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return digits.count < 2 ? "0\(digits)" : digits
}
