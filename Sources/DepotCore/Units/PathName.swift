// Names come from clients, replicas and catalogs, and one that is joined to a folder must not lead out
// of it. So whatever makes a path wants a name of this type.

/// A name that is a relative path and cannot leave its folder: parts divided by `/`, no part empty,
/// `.` or `..`; no control character.
public struct PathName: Sendable, Hashable {
    public let text: String

    /// - Throws: `invalidArgument`, saying which of these rules, or of those of a `FileName`, the
    ///   text breaks.
    public init(_ text: String) throws(DepotError) { try self.init(FileName(text)) }

    public init(_ name: FileName) throws(DepotError) {
        text = name.text
        if let reason = Self.fault(of: text) {
            throw DepotError(
                .invalidArgument, "not the name of a path: \(reason)",
                object: FileName.beginning(of: text))
        }
    }

    private static func fault(of text: String) -> String? {
        if text.utf8.first == UInt8(ascii: "/") { return "it is absolute; give a relative path" }
        var part = Part()
        // In front of U+0080 to U+00BF.
        let leadOfControls: UInt8 = 0xC2
        var before: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F || before == leadOfControls && byte < 0xA0 {
                return "it contains a control character"
            }
            before = byte
            guard byte == UInt8(ascii: "/") else {
                part.add(byte)
                continue
            }
            if let fault = part.fault { return fault }
            part = Part()
        }
        return part.fault
    }

    /// What is between two slashes.
    private struct Part {
        private var length = 0
        private var dots = 0

        mutating func add(_ byte: UInt8) {
            length += 1
            if byte == UInt8(ascii: ".") { dots += 1 }
        }

        var fault: String? {
            if length == 0 { return "it has an empty part (//, or / at the end)" }
            return length == dots && dots <= 2 ? "'.' and '..' are not allowed in it" : nil
        }
    }
}
