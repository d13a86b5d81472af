import DepotCore

/// Metadata for tests of forms that have to carry all of it.
enum MetadataSample {
    /// All that a file can have beside its content.
    static func everything() throws -> FileMetadata {
        var everything = try FileMetadata(
            mode: 0o640, modified: FileTime(seconds: -3, nanoseconds: 7), contentType: "a/\"b\"",
            entityTag: "tag")
        everything.ownership = try Ownership(user: 0, group: 5, userName: "root", groupName: "g")
        everything.extended = try ExtendedAttributes(["user.note": [0, 10, 255]])
        everything.hardLinks = .random()
        everything.holes = try Holes([4_096..<8_192])
        everything.annotations = try Annotations(["line": "one \"two\""])
        everything.tags = try Annotations(["t": ""])
        return everything
    }
}
