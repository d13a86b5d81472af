import FoundationEssentials
import NIOCore

// A record is JSON in one spelling: keys in alphabetical order, no space, no escape but \" and \\ (names
// and content types have no control characters), absent metadata left out, one line feed at the end. The same
// record thus always has the same bytes and id, on every machine. Written here rather than by an encoder,
// because ids may not depend on a library's idea of JSON; read by a decoder, then written and compared.

extension FileRecord {
    /// What places it, and names its folder in a segment.
    public var nameHash: ChunkID { name.nameHash }

    /// The id of its text.
    public var objectID: ObjectID { encoded().id }

    /// Its text, at most `Limits.recordSizeMax` bytes, as an object of the kind `record`.
    public func encoded() -> VerifiedObject {
        var fields = RecordFields()
        fields.add("cluster", quoted: cluster.description)
        switch content {
        case .file(let level, let manifest, let size, let metadata):
            fields.add("contentType", quoted: metadata.contentType)
            fields.add("level", level.copies)
            fields.add("manifest", quoted: manifest.id.hex)
            fields.add("manifestLength", manifest.length)
            fields.add("mode", metadata.mode)
            fields.add("modified", metadata.modifiedNanoseconds)
            addOrigin(to: &fields)
            fields.add("size", size)
        case .deleted(let level):
            fields.add("deleted", true)
            fields.add("level", level.copies)
            addOrigin(to: &fields)
        }
        fields.add("time", time)
        return VerifiedObject(hashing: ByteBuffer(string: fields.text), kind: .record)
    }

    private func addOrigin(to fields: inout RecordFields) {
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
        let record: FileRecord
        do {
            record = try JSONDecoder().decode(
                RecordDocument.self, from: Data(text.readableBytesView)
            ).record()
        } catch {
            throw DepotError(
                .invalidArgument, "not a record of depot's: expected its JSON", cause: error)
        }
        guard record.encoded().contiguous == text else {
            throw DepotError(
                .invalidArgument,
                "not a record of depot's: it is valid, but not spelled as depot spells it",
                object: record.name.text)
        }
        self = record
    }
}

/// The JSON object under construction.
private struct RecordFields {
    private var body = ""

    var text: String { "{\(body)}\n" }

    mutating func add(_ key: String, _ value: (some LosslessStringConvertible)?) {
        guard let value else { return }
        if !body.isEmpty { body += "," }
        body += "\"\(key)\":\(value)"
    }

    mutating func add(_ key: String, quoted value: String?) {
        guard let value else { return }
        var escaped = ""
        for scalar in value.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { escaped.unicodeScalars.append("\\") }
            escaped.unicodeScalars.append(scalar)
        }
        add(key, "\"\(escaped)\"")
    }
}

/// A record's JSON as the decoder sees it. Unknown keys show when the record is written again.
private struct RecordDocument: Decodable {
    let cluster: ClusterID
    let contentType: String?
    let deleted: Bool?
    let level: ReplicationLevel
    let manifest: ChunkID?
    let manifestLength: Int?
    let mode: UInt16?
    let modified: Int64?
    let name: FileName
    let sequence: CommitSequence
    let size: UInt64?
    let time: Int64

    func record() throws(DepotError) -> FileRecord {
        FileRecord(
            cluster: cluster, name: name, sequence: sequence, time: time, content: try content())
    }

    private func content() throws(DepotError) -> FileRecord.Content {
        if deleted == true { return .deleted(level: level) }
        guard let manifest, let manifestLength, let size else {
            throw DepotError(
                .invalidArgument, "neither a file (manifest, manifestLength, size) nor deleted")
        }
        return .file(
            level: level, manifest: try ChunkReference(id: manifest, length: manifestLength),
            size: size,
            metadata: try FileMetadata(
                mode: mode, modifiedNanoseconds: modified, contentType: contentType))
    }
}
