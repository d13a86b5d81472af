// A path of a file system is bytes; a name in the depot is UTF-8 without control characters. What
// does not fit is written with a mark that names hardly ever contain, U+201B (rclone uses it for
// the same end): `‛FF` is the byte 0xFF, and `‛‛` is the mark itself. So each path has one name,
// and comes back from it as the same bytes.

/// How bytes of a path, or of a symbolic link's target, are spelled in a name.
public enum EscapedName {
    private static let mark: Unicode.Scalar = "\u{201B}"
    private static let markBytes = Array("\u{201B}".utf8)

    /// - Parameter bytes: any but zero.
    public static func text(of bytes: some Collection<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self), isPlain(text.utf8) { return text }
        var text = ""
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            var (decoder, iterator) = (UTF8(), rest.makeIterator())
            if case .scalarValue(let scalar) = decoder.decode(&iterator), !scalar.isControl {
                text.unicodeScalars.append(scalar)
                if scalar == mark { text.unicodeScalars.append(mark) }
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                text.unicodeScalars.append(mark)
                text += hex(rest.removeFirst())
            }
        }
        return text
    }

    /// Whether no control character and no mark can be in it: hardly any name needs a closer look.
    private static func isPlain(_ text: String.UTF8View) -> Bool {
        text.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0xC2 && $0 != 0xE2 }
    }

    /// The bytes that a name stands for. One that `text` never gives stands for itself: no escape
    /// can bring a slash, a zero or `..` into a path.
    public static func bytes(of text: String) -> [UInt8] {
        let own = Array(text.utf8)
        guard text.unicodeScalars.contains(mark) else { return own }
        var bytes: [UInt8] = []
        var rest = own[...]
        while let first = rest.first {
            guard rest.starts(with: markBytes) else {
                bytes.append(first)
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(markBytes.count)
            if rest.starts(with: markBytes) {
                bytes += markBytes
                rest = rest.dropFirst(markBytes.count)
            } else if let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            } else {
                return own
            }
        }
        let isOurs = !bytes.contains(0) && self.text(of: bytes).utf8.elementsEqual(own)
        return isOurs ? bytes : own
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count < 2 ? "0\(digits)" : digits
    }
}
