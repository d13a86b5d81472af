import FoundationEssentials

/// Changes one bit of a file, past whoever uses it.
func flip(_ path: String, at offset: Int) throws {
    try change(path) { $0[offset] ^= 1 }
}

/// Rewrites a file in place.
func change(_ path: String, _ body: (inout [UInt8]) -> Void) throws {
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    body(&bytes)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}
