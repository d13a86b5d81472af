/// What a file brings along beside its bytes. Absent fields were not given.
public struct FileMetadata: Sendable, Hashable {
    public var kind = EntryKind.file
    /// The permission bits, 0 to 0o7777.
    public private(set) var mode: UInt16?
    /// When it was changed last, as the file system had it.
    public let modified: FileTime?
    /// As HTTP's header of that name has it: at most `Limits.contentTypeSizeMax` printable ASCII
    /// characters.
    public let contentType: String?
    public var ownership: Ownership?
    public var extended: ExtendedAttributes?
    /// The same for all names of one file.
    public var hardLinks: HardLinkID?
    public var holes: Holes?
    /// Of the user.
    public var annotations: Annotations?
    public var tags: Annotations?
    /// What HTTP's header of that name says instead of the manifest's id, without its quotation
    /// marks.
    public let entityTag: String?

    /// - Parameter mode: may carry the file's kind, as `st_mode` does; only permission bits are
    ///   kept.
    public init(mode: UInt16? = nil, modified: FileTime? = nil) {
        self.init(mode: mode, modified: modified, checkedType: nil, checkedTag: nil)
    }

    /// - Throws: `invalidArgument` for a content type or an entity tag that is empty, too long or
    ///   not printable ASCII.
    public init(
        mode: UInt16? = nil, modified: FileTime? = nil, contentType: String?,
        entityTag: String? = nil
    ) throws(DepotError) {
        if let contentType { try Self.check(contentType, "a content type") }
        if let entityTag {
            try Self.check(entityTag, "an entity tag")
            guard !entityTag.utf8.contains(UInt8(ascii: "\"")) else {
                throw DepotError(.invalidArgument, "an entity tag has no quotation mark in it")
            }
        }
        self.init(
            mode: mode, modified: modified, checkedType: contentType, checkedTag: entityTag)
    }

    private init(
        mode: UInt16?, modified: FileTime?, checkedType: String?, checkedTag: String?
    ) {
        self.mode = mode.map { $0 & 0o7777 }
        self.modified = modified
        contentType = checkedType
        entityTag = checkedTag
    }

    /// The same with nothing for the owning group.
    public var withoutGroupRights: FileMetadata {
        var metadata = self
        metadata.mode = mode.map { $0 & ~0o070 }
        return metadata
    }

    /// Whether it is mode, time and content type alone: all that format 1 of records has.
    public var isBasic: Bool {
        self
            == Self(mode: mode, modified: modified, checkedType: contentType, checkedTag: nil)
    }

    /// - Parameter size: of the file's content.
    /// - Throws: `invalidArgument` where it cannot be what it says with so many bytes, or says what
    ///   no depot gives back yet.
    public func check(of name: FileName, size: UInt64) throws(DepotError) {
        guard kind == .file || size == 0 && hardLinks == nil && holes == nil else {
            throw DepotError(
                .invalidArgument, "a folder, a symbolic link or a special file has no content",
                object: name.text)
        }
        guard annotations == nil, tags == nil, entityTag == nil else {
            throw DepotError(
                .invalidArgument, "annotations, tags and entity tags are not taken yet",
                object: name.text)
        }
        guard holes?.ranges.last.map({ $0.upperBound <= size }) ?? true else {
            throw DepotError(
                .invalidArgument, "a hole ends behind the file, which has \(size) bytes",
                object: name.text)
        }
    }

    /// About as many bytes as it takes in a body, and hardly ever fewer.
    public var textSize: Int {
        var size = 300
        if case .link(let target) = kind { size += 2 * target.text.utf8.count }
        size += extended?.values.reduce(0) { $0 + 20 + $1.key.utf8.count + 2 * $1.value.count } ?? 0
        size += (holes?.ranges.count ?? 0) * 42
        for texts in [annotations?.texts, tags?.texts] {
            size +=
                texts?.reduce(0) { $0 + 10 + 2 * ($1.key.utf8.count + $1.value.utf8.count) } ?? 0
        }
        return size
    }

    private static func check(_ text: String, _ what: String) throws(DepotError) {
        guard (1...Limits.contentTypeSizeMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            throw DepotError(
                .invalidArgument,
                "\(what) has 1 to \(Limits.contentTypeSizeMax) printable ASCII characters, found "
                    + "\(text.utf8.count) bytes of something else")
        }
    }
}

extension FileMetadata: Codable {
    private enum CodingKeys: String, CodingKey {
        case folder, link, special, mode, modified, contentType, ownership, extended, hardLinks
        case holes
        case annotations, tags, entityTag
        /// As clients of before wrote it.
        case modifiedNanoseconds
    }

    private static func modified(
        _ values: KeyedDecodingContainer<CodingKeys>
    ) throws -> FileTime? {
        try values.decodeIfPresent(FileTime.self, forKey: .modified)
            ?? values.decodeIfPresent(Int64.self, forKey: .modifiedNanoseconds).map(
                FileTime.init(nanoseconds:))
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            mode: values.decodeIfPresent(UInt16.self, forKey: .mode),
            modified: Self.modified(values),
            contentType: values.decodeIfPresent(String.self, forKey: .contentType),
            entityTag: values.decodeIfPresent(String.self, forKey: .entityTag))
        if let target = try values.decodeIfPresent(String.self, forKey: .link) {
            kind = .link(try LinkTarget(target))
        } else if let special = try values.decodeIfPresent(String.self, forKey: .special) {
            kind = .special(try SpecialFile(special))
        } else if try values.decodeIfPresent(Bool.self, forKey: .folder) == true {
            kind = .folder
        }
        ownership = try values.decodeIfPresent(Ownership.self, forKey: .ownership)
        extended = try values.decodeIfPresent(ExtendedAttributes.self, forKey: .extended)
        hardLinks = try values.decodeIfPresent(HardLinkID.self, forKey: .hardLinks)
        holes = try values.decodeIfPresent(Holes.self, forKey: .holes)
        annotations = try values.decodeIfPresent(Annotations.self, forKey: .annotations)
        tags = try values.decodeIfPresent(Annotations.self, forKey: .tags)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch kind {
        case .file: break
        case .folder: try values.encode(true, forKey: .folder)
        case .link(let target): try values.encode(target.text, forKey: .link)
        case .special(let special): try values.encode(special.description, forKey: .special)
        }
        try values.encodeIfPresent(mode, forKey: .mode)
        try values.encodeIfPresent(modified, forKey: .modified)
        try values.encodeIfPresent(contentType, forKey: .contentType)
        try values.encodeIfPresent(ownership, forKey: .ownership)
        try values.encodeIfPresent(extended, forKey: .extended)
        try values.encodeIfPresent(hardLinks, forKey: .hardLinks)
        try values.encodeIfPresent(holes, forKey: .holes)
        try values.encodeIfPresent(annotations, forKey: .annotations)
        try values.encodeIfPresent(tags, forKey: .tags)
        try values.encodeIfPresent(entityTag, forKey: .entityTag)
    }
}
