import NIOCore

/// What a client asks a FileServer to commit under a name.
public struct FileProposal: Sendable, Codable, Hashable {
    public let name: FileName
    public let manifest: ManifestReference
    @ByteCount public private(set) var size: UInt64
    public let metadata: FileMetadata
    /// Commit only where no file has the name.
    public let absent: Bool?
    /// Commit only in place of this version.
    public let replaces: CommitSequence?

    public init(
        name: FileName, manifest: ManifestReference, size: UInt64, metadata: FileMetadata,
        expecting expected: FileExpectation = .anything
    ) {
        absent = expected == .absence ? true : nil
        if case .version(let sequence) = expected {
            replaces = sequence
        } else {
            replaces = nil
        }
        self.name = name
        self.manifest = manifest
        self.size = size
        self.metadata = metadata
    }

    public var expected: FileExpectation {
        if absent == true { return .absence }
        return replaces.map { .version($0) } ?? .anything
    }
}

extension FileProposal {
    /// A line, spelled as a record of its file is, without what only the FileServer knows.
    public var line: [UInt8] {
        var fields = FieldWriter()
        fields.add(
            name: name, manifest, size, metadata, format: .two, record: nil, expected: expected)
        return fields.finish()
    }

    /// - Throws: `invalidArgument` for what `line` does not give.
    public init(line: ByteBuffer) throws(DepotError) {
        var reader = FieldReader(line)
        let fields = RecordFields(&reader)
        do throws(DepotError) {
            guard fields.format == .two else {
                throw DepotError(.invalidArgument, "it is of no format that is known")
            }
            let manifest = try fields.manifest()
            let expected: FileExpectation =
                fields.isForAbsence
                ? .absence : fields.replaces.map { .version($0) } ?? .anything
            self.init(
                name: try FileName(FieldReader.require("name", fields.name)), manifest: manifest,
                size: try FieldReader.require("size", fields.size).bytes,
                metadata: try fields.metadata(beside: manifest), expecting: expected)
        } catch {
            throw DepotError(
                .invalidArgument, "a line proposes no file", object: fields.name, cause: error)
        }
        guard reader.isAtEnd else {
            throw DepotError(
                .invalidArgument, "a line proposes a file with more than is known of files",
                object: name.text)
        }
    }
}
