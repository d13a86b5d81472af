import DepotCore

/// Text that is to be pasted into a shell.
enum ShellWord {
    /// One word that means the text, whatever it consists of, in characters that can be seen and
    /// pasted.
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-:,+@%".utf8.contains(byte)
            }
        }
        if isPlain, !text.isEmpty { return text }
        if !text.contains("\\"), text.printable == text {
            return "'" + text.replacing("'", with: "'\\''") + "'"
        }
        // What could not be seen, or would end a line, in octal.
        let bytes = text.utf8.map { byte -> String in
            let isShown = (0x20..<0x7F).contains(byte) && !"'\\".utf8.contains(byte)
            return isShown ? String(UnicodeScalar(byte)) : "\\" + octal(byte)
        }
        return "$'" + bytes.joined() + "'"
    }

    private static func octal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 8)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}
