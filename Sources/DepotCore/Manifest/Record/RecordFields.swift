import NIOCore

/// The fields of a record's text, or of a line that proposes a file, in their order, each of which
/// only some of them have.
struct RecordFields {
    let isForAbsence: Bool
    let chunk: ChunkID?
    let cluster: ClusterID?
    let contentType: String?
    let isDeleted: Bool
    let entityTag: String?
    let extended: [String: String]?
    let isFolder: Bool
    let format: FileRecord.Format?
    let group: UInt32?
    let groupName: String?
    let hardLinks: HardLinkID?
    let holes: String?
    let level: Int?
    let link: String?
    let locks: [String: String]?
    let storedManifest: ChunkID?
    let manifestLength: Int?
    let mode: UInt16?
    let modified: FileTime?
    let name: String?
    let notes: [String: String]?
    let origin: CommitSequence?
    let owner: UInt32?
    let ownerName: String?
    let purged: CommitSequence?
    let replaces: CommitSequence?
    let request: RequestID?
    let sequence: CommitSequence?
    let since: Int64?
    let size: ByteCount?
    let special: String?
    let tags: [String: String]?
    let time: Int64?

    init(_ fields: inout FieldReader) {
        isForAbsence = fields.isTrue("absent")
        chunk = fields.chunkID("chunk")
        cluster = fields.quoted("cluster") { ClusterID(utf8: $0) }
        contentType = fields.quoted("contentType")
        isDeleted = fields.isTrue("deleted")
        entityTag = fields.quoted("entityTag")
        extended = fields.texts("extended")
        isFolder = fields.isTrue("folder")
        format =
            switch fields.number("format", as: UInt8.self) {
            case nil: .one
            case let number?: FileRecord.Format(rawValue: number)
            }
        group = fields.number("group", as: UInt32.self)
        groupName = fields.quoted("groupName")
        hardLinks = fields.quoted("hardLinks") { HardLinkID(utf8: $0) }
        holes = fields.quoted("holes")
        level = fields.number("level", as: Int.self)
        link = fields.quoted("link")
        locks = fields.texts("locks")
        storedManifest = fields.chunkID("manifest")
        manifestLength = fields.number("manifestLength", as: Int.self)
        mode = fields.number("mode", as: UInt16.self)
        modified =
            fields.number("modified", as: Int64.self).map(FileTime.init(nanoseconds:))
            ?? fields.quoted("modified") { FileTime(utf8: $0) }
        name = fields.quoted("name")
        notes = fields.texts("notes")
        origin = fields.sequence("origin")
        owner = fields.number("owner", as: UInt32.self)
        ownerName = fields.quoted("ownerName")
        purged = fields.sequence("purged")
        replaces = fields.sequence("replaces")
        request = fields.quoted("request") { RequestID(utf8: $0) }
        sequence = fields.sequence("sequence")
        since = Self.time("since", &fields)
        size = fields.number("size", as: UInt64.self).flatMap(ByteCount.init(exactly:))
        special = fields.quoted("special")
        tags = fields.texts("tags")
        time = Self.time("time", &fields)
    }

    private static func time(_ key: StaticString, _ fields: inout FieldReader) -> Int64? {
        fields.number(key, as: Int64.self).flatMap {
            FileRecord.timeRange.contains($0) ? $0 : nil
        }
    }

    func manifest() throws(DepotError) -> ManifestReference {
        let size = try FieldReader.require("size", size).bytes
        if let chunk {
            return ManifestReference(
                inline: try ChunkReference(id: chunk, length: Int(clamping: size)))
        }
        if storedManifest == nil, manifestLength == nil, size == 0, format == .two { return .empty }
        return ManifestReference(
            stored: try ChunkReference(
                id: FieldReader.require("manifest", storedManifest),
                length: FieldReader.require("manifestLength", manifestLength)))
    }

    func history() throws(DepotError) -> NameHistory {
        let locks = try locks.map { texts throws(DepotError) in try ContentLocks(texts: texts) }
        return NameHistory(locks: locks ?? .none, since: since, purged: purged)
    }

    /// - Parameter manifest: the file's; what is none has that of an empty file.
    func metadata(beside manifest: ManifestReference) throws(DepotError) -> FileMetadata {
        guard manifest == .empty || link == nil && special == nil && !isFolder else {
            throw DepotError(
                .invalidArgument, "a folder, a symbolic link or a special file has no content")
        }
        var metadata = try FileMetadata(
            mode: mode, modified: modified, contentType: contentType, entityTag: entityTag)
        if let link {
            metadata.kind = .link(try LinkTarget(link))
        } else if let special {
            metadata.kind = .special(try SpecialFile(special))
        } else if isFolder {
            metadata.kind = .folder
        }
        if let owner, let group {
            metadata.ownership = try Ownership(
                user: owner, group: group, userName: ownerName, groupName: groupName)
        }
        if let extended { metadata.extended = try ExtendedAttributes(encoded: extended) }
        metadata.hardLinks = hardLinks
        if let holes { metadata.holes = try Holes(holes) }
        if let notes { metadata.annotations = try Annotations(notes) }
        if let tags { metadata.tags = try Annotations(tags) }
        return metadata
    }
}
