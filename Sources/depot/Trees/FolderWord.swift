extension String {
    /// A folder, as shells complete it and people write it: slashes at its end say nothing more.
    var withoutEndingSlashes: String {
        guard let end = utf8.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return self }
        // Of bytes: some characters join the slash behind them.
        return String(Substring(utf8[...end]))
    }
}
