import DepotCore

// A depot has a hundred thousand names below a folder, and a key was pressed: what is shown is one part of the names more, as
// shells do with paths.

/// What names go on with behind what is typed of them, up to the next slash.
struct NextParts {
    /// More than anybody reads.
    private static let countMax = 200

    private let typed: String
    private(set) var words: [String] = []

    init(behind typed: String) { self.typed = typed }

    var isFull: Bool { words.count >= Self.countMax }

    /// - Parameter name: one that begins as what is typed, in the order of names.
    mutating func take(_ name: FileName) {
        let rest = name.text.utf8.dropFirst(typed.utf8.count)
        let end = rest.firstIndex(of: UInt8(ascii: "/")).map { rest.index(after: $0) }
        let word = typed + String(Substring(rest[..<(end ?? rest.endIndex)]))
        // Nobody can type what cannot be seen.
        guard word != words.last, !isFull, word.printable == word else { return }
        words.append(word)
    }

    /// The first name that does not begin as the last word does; `nil` where that is a file.
    var behindLast: FileName? {
        guard let last = words.last, last.hasSuffix("/") else { return nil }
        // What comes next after a slash in the order of bytes.
        return try? FileName("\(last.dropLast())0")
    }

    /// The folder that is all there is.
    var onlyFolder: String? {
        guard words.count == 1, let word = words.first, word.hasSuffix("/") else { return nil }
        return word
    }
}
