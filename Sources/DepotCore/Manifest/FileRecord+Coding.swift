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
        if case .file(_, let manifest, _, _) = content {
            fields.add("chunk", quoted: manifest.chunk?.id.hex)
        }
        fields.add("cluster", quoted: cluster.description)
        switch content {
        case .file(let level, let manifest, let size, let metadata):
            fields.add("contentType", quoted: metadata.contentType)
            fields.add("level", level.copies)
            if manifest.chunk == nil {
                fields.add("manifest", quoted: manifest.id.hex)
                fields.add("manifestLength", manifest.length)
            }
            fields.add("mode", metadata.mode)
            fields.add("modified", metadata.modified?.nanoseconds)
            addOrigin(to: &fields)
            fields.add("size", size)
        case .deleted(let level):
            fields.add("deleted", true)
            fields.add("level", level.copies)
            addOrigin(to: &fields)
        }
        fields.add("time", time)
        return fields.finish()
    }

    private func addOrigin(to fields: inout RecordFieldWriter) {
        fields.add("name", quoted: name.text)
        fields.add("sequence", quoted: sequence.description)
    }

    /// Takes exactly the text that `encoded` gives.
    ///
    /// - Throws: `invalidArgument` for anything else, other spellings of the same record included.
    public init(parsing text: ByteBuffer) throws(DepotError) {
        guard text.readableBytes <= Limits.recordSizeMax else {
            throw DepotError(
                .invalidArgument,
                "a record has at most \(Limits.recordSizeMax) bytes, found \(text.readableBytes)")
        }
        var reader = RecordFieldReader(text)
        do throws(DepotError) {
            try self.init(&reader)
        } catch {
            throw DepotError(
                .invalidArgument, "not a record of depot's: expected its JSON", cause: error)
        }
        guard ByteBuffer(bytes: self.text) == text else {
            throw DepotError(
                .invalidArgument,
                "not a record of depot's: it is valid, but not spelled as depot spells it",
                object: name.text)
        }
    }

    /// The fields in their order, each of which only some records have.
    private init(_ fields: inout RecordFieldReader) throws(DepotError) {
        let chunk = fields.quoted("chunk").flatMap { ChunkID(hex: $0) }
        let cluster = fields.quoted("cluster").flatMap { ClusterID($0) }
        let contentType = fields.quoted("contentType")
        let isDeleted = fields.isTrue("deleted")
        let level = fields.number("level", as: Int.self)
        let manifest = fields.quoted("manifest").flatMap { ChunkID(hex: $0) }
        let manifestLength = fields.number("manifestLength", as: Int.self)
        let mode = fields.number("mode", as: UInt16.self)
        let modified = fields.number("modified", as: Int64.self).map(FileTime.init(nanoseconds:))
        let name = fields.quoted("name")
        let sequence = fields.quoted("sequence").flatMap { CommitSequence($0) }
        let size = fields.number("size", as: UInt64.self).flatMap(ByteCount.init(exactly:))
        let time = fields.number("time", as: Int64.self).flatMap {
            Self.timeRange.contains($0) ? $0 : nil
        }
        let checkedLevel = try ReplicationLevel(RecordFieldReader.require("level", level))
        func file() throws(DepotError) -> Content {
            let size = try RecordFieldReader.require("size", size).bytes
            return .file(
                level: checkedLevel,
                manifest: try Self.manifest(
                    chunk, size: size, orStored: manifest, length: manifestLength),
                size: size,
                metadata: try FileMetadata(
                    mode: mode, modified: modified, contentType: contentType))
        }
        let content: Content = isDeleted ? .deleted(level: checkedLevel) : try file()
        self.init(
            cluster: try RecordFieldReader.require("cluster", cluster),
            name: try FileName(RecordFieldReader.require("name", name)),
            sequence: try RecordFieldReader.require("sequence", sequence),
            time: try RecordFieldReader.require("time", time), content: content)
    }

    private static func manifest(
        _ chunk: ChunkID?, size: UInt64, orStored manifest: ChunkID?, length: Int?
    ) throws(DepotError) -> ManifestReference {
        if let chunk {
            return ManifestReference(
                inline: try ChunkReference(id: chunk, length: Int(clamping: size)))
        }
        return ManifestReference(
            stored: try ChunkReference(
                id: RecordFieldReader.require("manifest", manifest),
                length: RecordFieldReader.require("manifestLength", length)))
    }
}
