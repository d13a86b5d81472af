extension String {
    /// A folder, as shells complete it and people write it: slashes at its end say nothing more.
    var withoutEndingSlashes: String {
        guard let end = utf8.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return self }
        return String(self[...end])
    }
}
