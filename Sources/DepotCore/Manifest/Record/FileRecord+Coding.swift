import NIOCore

extension FileRecord {
    /// What places it, and names its folder in a segment.
    public var nameHash: ChunkID { name.nameHash }

    /// The id of its text.
    public var objectID: ObjectID { encoded().id }

    /// Its text, at most `Limits.recordSizeMax` bytes, as an object of the kind `record`.
    public func encoded() -> VerifiedObject {
        let text = text
        assert(text.count <= Limits.recordSizeMax, "no store would take so long a record")
        return VerifiedObject(hashing: ByteBuffer(bytes: text), kind: .record)
    }

    /// Its text without the hash that `encoded` takes.
    package var text: [UInt8] {
        var fields = RecordFieldWriter()
        switch content {
        case .file(_, let manifest, let size, let metadata):
            addFile(manifest, size, metadata, to: &fields)
        case .deleted:
            fields.add("cluster", quoted: cluster.description)
            fields.add("deleted", true)
            addFormat(to: &fields)
            fields.add("level", level.copies)
            fields.add("locks", texts: locks.texts)
            fields.add("name", quoted: name.text)
            fields.add("purged", quoted: history.purged?.description)
            fields.add("request", quoted: request?.description)
            fields.add("sequence", quoted: sequence.description)
            fields.add("since", history.since)
        }
        fields.add("time", time)
        return fields.finish()
    }

    private func addFile(
        _ manifest: ManifestReference, _ size: UInt64, _ metadata: FileMetadata,
        to fields: inout RecordFieldWriter
    ) {
        fields.add("chunk", quoted: manifest.chunk?.id.hex)
        fields.add("cluster", quoted: cluster.description)
        fields.add("contentType", quoted: metadata.contentType)
        fields.add("entityTag", quoted: metadata.entityTag)
        fields.add("extended", texts: metadata.extended?.encoded)
        if metadata.kind == .folder { fields.add("folder", true) }
        addFormat(to: &fields)
        fields.add("group", metadata.ownership?.group)
        fields.add("groupName", quoted: metadata.ownership?.groupName)
        fields.add("hardLinks", quoted: metadata.hardLinks?.description)
        fields.add("holes", quoted: metadata.holes?.description)
        fields.add("level", level.copies)
        fields.add("link", quoted: metadata.kind.target?.text)
        fields.add("locks", texts: locks.texts)
        if !manifest.isInline {
            fields.add("manifest", quoted: manifest.id.hex)
            fields.add("manifestLength", manifest.length)
        }
        fields.add("mode", metadata.mode)
        switch format {
        case .one: fields.add("modified", metadata.modified?.nanoseconds)
        case .two: fields.add("modified", quoted: metadata.modified?.description)
        }
        fields.add("name", quoted: name.text)
        fields.add("notes", texts: metadata.annotations?.texts)
        fields.add("origin", quoted: origin?.description)
        fields.add("owner", metadata.ownership?.user)
        fields.add("ownerName", quoted: metadata.ownership?.userName)
        fields.add("purged", quoted: history.purged?.description)
        fields.add("request", quoted: request?.description)
        fields.add("sequence", quoted: sequence.description)
        fields.add("since", history.since)
        fields.add("size", size)
        fields.add("special", quoted: metadata.kind.special?.description)
        fields.add("tags", texts: metadata.tags?.texts)
    }

    private func addFormat(to fields: inout RecordFieldWriter) {
        if format != .one { fields.add("format", format.rawValue) }
    }

    /// Takes exactly the text that `encoded` gives.
    ///
    /// - Throws: `invalidArgument` for anything else, other spellings of the same record included.
    public init(parsing text: ByteBuffer) throws(DepotError) {
        try self.init(reading: text)
        // A field that its format does not have, or that means nothing beside the others, is not
        // written again.
        guard ByteBuffer(bytes: self.text) == text else {
            throw DepotError(
                .invalidArgument,
                "not a record of depot's: it is valid, but not spelled as depot spells it",
                object: name.text)
        }
    }

    /// For a text that is known to be what `encoded` gave, by its hash: the spelling is not looked
    /// at.
    ///
    /// - Throws: `invalidArgument` for what is no record.
    public init(reading text: ByteBuffer) throws(DepotError) {
        guard text.readableBytes <= Limits.recordSizeMax else {
            throw DepotError(
                .invalidArgument,
                "a record has at most \(Limits.recordSizeMax) bytes, found \(text.readableBytes)")
        }
        var reader = RecordFieldReader(text)
        do throws(DepotError) {
            try self.init(RecordFields(&reader))
        } catch {
            throw DepotError(
                .invalidArgument, "not a record of depot's: expected its JSON", cause: error)
        }
    }

    private init(_ fields: RecordFields) throws(DepotError) {
        let level = try ReplicationLevel(RecordFieldReader.require("level", fields.level))
        func file() throws(DepotError) -> Content {
            let manifest = try fields.manifest()
            return .file(
                level: level, manifest: manifest,
                size: try RecordFieldReader.require("size", fields.size).bytes,
                metadata: try fields.metadata(beside: manifest))
        }
        let content: Content = fields.isDeleted ? .deleted(level: level) : try file()
        self.init(
            format: try RecordFieldReader.require("format", fields.format),
            cluster: try RecordFieldReader.require("cluster", fields.cluster),
            name: try FileName(RecordFieldReader.require("name", fields.name)),
            sequence: try RecordFieldReader.require("sequence", fields.sequence),
            time: try RecordFieldReader.require("time", fields.time), content: content,
            origin: fields.origin, request: fields.request, history: try fields.history())
        guard history.purged.map({ $0 <= sequence }) ?? true else {
            throw DepotError(.invalidArgument, "it lets go of words that are newer than itself")
        }
        guard format == .two || isOfFormatOne else {
            throw DepotError(.invalidArgument, "it has fields that format 1 does not know")
        }
    }

    /// Whether an older depot would write it with the same fields.
    private var isOfFormatOne: Bool {
        guard origin == nil, request == nil, history == .none else { return false }
        guard case .file(_, let manifest, _, let metadata) = content else { return true }
        return metadata.isBasic && manifest != .empty
    }
}
