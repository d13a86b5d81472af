extension String {
    /// A folder, as shells complete it and people write it: slashes at its end say nothing more.
    var withoutEndingSlashes: String {
        guard let end = utf8.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return self }
        // Of bytes: some characters join the slash behind them.
        return String(Substring(utf8[...end]))
    }
}

extension Sequence<String> {
    /// Whether words of a command say `-r`, by itself or among other letters.
    var askForTree: Bool {
        contains { $0 == "--recursive" || $0.wholeMatch(of: /-[a-z]*r[a-z]*/) != nil }
    }
}
