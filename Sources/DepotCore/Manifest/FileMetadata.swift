/// What a file brings along beside its bytes. Absent fields were not given.
public struct FileMetadata: Sendable, Hashable, Codable {
    /// The permission bits, 0 to 0o7777.
    public let mode: UInt16?
    /// When it was changed last, as the file system had it.
    public let modified: FileTime?
    /// As HTTP's header of that name has it: at most `Limits.contentTypeSizeMax` printable ASCII
    /// characters.
    public let contentType: String?

    /// - Parameter mode: may carry the file's kind, as `st_mode` does; only permission bits are
    ///   kept.
    public init(mode: UInt16? = nil, modified: FileTime? = nil) {
        self.init(
            checkedContentType: nil, mode: mode, modified: modified)
    }

    /// - Throws: `invalidArgument` for a content type that is empty, too long or not printable
    ///   ASCII.
    public init(
        mode: UInt16? = nil, modified: FileTime? = nil, contentType: String?
    ) throws(DepotError) {
        if let contentType { try Self.check(contentType) }
        self.init(
            checkedContentType: contentType, mode: mode, modified: modified)
    }

    private init(checkedContentType: String?, mode: UInt16?, modified: FileTime?) {
        self.mode = mode.map { $0 & 0o7777 }
        self.modified = modified
        contentType = checkedContentType
    }

    private static func check(_ contentType: String) throws(DepotError) {
        guard (1...Limits.contentTypeSizeMax).contains(contentType.utf8.count),
            contentType.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            throw DepotError(
                .invalidArgument,
                "a content type has 1 to \(Limits.contentTypeSizeMax) printable ASCII characters, "
                    + "found \(contentType.utf8.count) bytes of something else")
        }
    }

    private enum CodingKeys: String, CodingKey {
        case mode, contentType
        case modified = "modifiedNanoseconds"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            mode: values.decodeIfPresent(UInt16.self, forKey: .mode),
            modified: values.decodeIfPresent(FileTime.self, forKey: .modified),
            contentType: values.decodeIfPresent(String.self, forKey: .contentType))
    }
}
