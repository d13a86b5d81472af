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
        var fields = FieldWriter()
        switch content {
        case .file(_, let manifest, let size, let metadata):
            fields.add(
                name: name, manifest, size, metadata, format: format, record: self,
                expected: .anything)
        case .deleted:
            fields.add("cluster", quoted: cluster.description)
            fields.add("deleted", true)
            fields.add(format)
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
        var reader = FieldReader(text)
        do throws(DepotError) {
            try self.init(RecordFields(&reader))
        } catch {
            throw DepotError(
                .invalidArgument, "not a record of depot's: expected its JSON", cause: error)
        }
    }

    private init(_ fields: RecordFields) throws(DepotError) {
        let level = try ReplicationLevel(FieldReader.require("level", fields.level))
        func file() throws(DepotError) -> Content {
            let manifest = try fields.manifest()
            return .file(
                level: level, manifest: manifest,
                size: try FieldReader.require("size", fields.size).bytes,
                metadata: try fields.metadata(beside: manifest))
        }
        let content: Content = fields.isDeleted ? .deleted(level: level) : try file()
        self.init(
            format: try FieldReader.require("format", fields.format),
            cluster: try FieldReader.require("cluster", fields.cluster),
            name: try FileName(FieldReader.require("name", fields.name)),
            sequence: try FieldReader.require("sequence", fields.sequence),
            time: try FieldReader.require("time", fields.time), content: content,
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

extension FieldWriter {
    /// What a record, or a line that proposes a file, says of it.
    ///
    /// - Parameter record: `nil` of what is proposed.
    mutating func add(
        name: FileName, _ manifest: ManifestReference, _ size: UInt64, _ metadata: FileMetadata,
        format: FileRecord.Format, record: FileRecord?, expected: FileExpectation
    ) {
        if expected == .absence { add("absent", true) }
        add("chunk", quoted: manifest.chunk?.id.hex)
        add("cluster", quoted: record?.cluster.description)
        add("contentType", quoted: metadata.contentType)
        add("entityTag", quoted: metadata.entityTag)
        add("extended", texts: metadata.extended?.encoded)
        if metadata.kind == .folder { add("folder", true) }
        add(format)
        add("group", metadata.ownership?.group)
        add("groupName", quoted: metadata.ownership?.groupName)
        add("hardLinks", quoted: metadata.hardLinks?.description)
        add("holes", quoted: metadata.holes?.description)
        add("level", record?.level.copies)
        add("link", quoted: metadata.kind.target?.text)
        add("locks", texts: record?.locks.texts)
        if !manifest.isInline {
            add("manifest", quoted: manifest.id.hex)
            add("manifestLength", manifest.length)
        }
        add("mode", metadata.mode)
        switch format {
        case .one: add("modified", metadata.modified?.nanoseconds)
        case .two: add("modified", quoted: metadata.modified?.description)
        }
        add("name", quoted: name.text)
        add("notes", texts: metadata.annotations?.texts)
        add("origin", quoted: record?.origin?.description)
        add("owner", metadata.ownership?.user)
        add("ownerName", quoted: metadata.ownership?.userName)
        add("purged", quoted: record?.history.purged?.description)
        if case .version(let sequence) = expected { add("replaces", quoted: sequence.description) }
        add("request", quoted: record?.request?.description)
        add("sequence", quoted: record?.sequence.description)
        add("since", record?.history.since)
        add("size", size)
        add("special", quoted: metadata.kind.special?.description)
        add("tags", texts: metadata.tags?.texts)
    }

    fileprivate mutating func add(_ format: FileRecord.Format) {
        if format != .one { add("format", format.rawValue) }
    }
}
