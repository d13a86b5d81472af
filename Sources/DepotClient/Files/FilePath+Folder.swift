import struct SystemPackage.FilePath

// Paths are taken apart by `FilePath`, whose parts are bytes: to a `String` the slash before a
// combining mark is none, and two spellings of a name are one.

extension FilePath {
    /// Where its last part is.
    public var folder: FilePath {
        let folder = removingLastComponent()
        return folder.isEmpty ? "." : folder
    }
}
