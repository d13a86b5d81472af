import DepotCore

/// The path of a member in its archive.
enum MemberPath: Hashable {
    /// `chunks/<64 hexadecimal digits>`
    case chunk(ChunkID)
    /// `records/<SHA-256 of the name>/<sequence>.<SHA-256 of the record>.json`
    case record(nameHash: ChunkID, CommitSequence, ChunkID)
    /// Records that are kept together, with the highest sequence:
    /// `records/batches/<sequence>.<SHA-256 of their text>.jsonl`
    case batch(CommitSequence, ChunkID)
    /// What `sha256sum -c` reads.
    case sums
    /// Offset, length and path of every member.
    case index

    static let chunkPrefix = "chunks/"
    private static let batchPrefix = "records/batches"
    private static let chunkPrefixBytes = Array(chunkPrefix.utf8)

    /// - Throws: `invalidArgument` for a record that is none.
    init(_ object: VerifiedObject) throws(DepotError) {
        switch object.id.kind {
        case .chunk: self = .chunk(object.id.hash)
        case .record:
            let records = try RecordBatch.records(in: object.contiguous)
            let last = records[records.count - 1]
            self =
                records.count == 1
                ? .record(nameHash: last.nameHash, last.sequence, object.id.hash)
                : .batch(last.sequence, object.id.hash)
        }
    }

    /// The object that it holds; `nil` for a member that belongs to the archive itself.
    var objectID: ObjectID? {
        switch self {
        case .chunk(let id): .chunk(id)
        case .record(_, _, let id), .batch(_, let id): .record(id)
        case .sums, .index: nil
        }
    }

    /// Bytes that a member of this kind can have. A reader allocates no more.
    var lengths: ClosedRange<Int> {
        switch self {
        case .chunk: 1...Limits.chunkSizeMax
        case .record: 1...Limits.recordSizeMax
        case .batch: 1...Limits.recordBatchSizeMax
        case .sums, .index: 0...SegmentEnding.textSizeMax
        }
    }

    var sequence: CommitSequence? {
        switch self {
        case .record(_, let sequence, _), .batch(let sequence, _): sequence
        case .chunk, .sums, .index: nil
        }
    }

    /// Tar divides a path in two.
    var prefix: String {
        switch self {
        case .record(let nameHash, _, _): "records/\(nameHash)"
        case .batch: Self.batchPrefix
        case .chunk, .sums, .index: ""
        }
    }

    var name: String {
        switch self {
        case .chunk(let id): "\(Self.chunkPrefix)\(id)"
        case .record(_, let sequence, let id): "\(sequence).\(id).json"
        case .batch(let sequence, let id): "\(sequence).\(id).jsonl"
        case .sums: "SHA256SUMS"
        case .index: "INDEX"
        }
    }

    /// Writes both parts to memory that is zero, and long enough.
    func write(prefix: UnsafeMutableRawBufferPointer, name: UnsafeMutableRawBufferPointer) {
        assert(self.prefix.utf8.count <= prefix.count, "the path does not fit the prefix")
        assert(self.name.utf8.count <= name.count, "the path does not fit the name")
        if case .chunk(let id) = self {
            name.copyBytes(from: Self.chunkPrefixBytes)
            id.writeHex(to: .init(rebasing: name[Self.chunkPrefixBytes.count...]))
        } else {
            prefix.copyBytes(from: self.prefix.utf8)
            name.copyBytes(from: self.name.utf8)
        }
    }

    var text: String { prefix.isEmpty ? name : "\(prefix)/\(name)" }

    init?(prefix: some StringProtocol, name: some StringProtocol) {
        if prefix.isEmpty {
            switch name {
            case "SHA256SUMS": self = .sums
            case "INDEX": self = .index
            default:
                guard name.hasPrefix(Self.chunkPrefix),
                    let id = ChunkID(hex: name.dropFirst(Self.chunkPrefix.count))
                else { return nil }
                self = .chunk(id)
            }
            return
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard prefix.hasPrefix("records/"), parts.count == 3,
            let sequence = CommitSequence(parts[0]), let id = ChunkID(hex: parts[1])
        else { return nil }
        if prefix == Self.batchPrefix, parts[2] == "jsonl" {
            self = .batch(sequence, id)
        } else if parts[2] == "json", let nameHash = ChunkID(hex: prefix.dropFirst(8)) {
            self = .record(nameHash: nameHash, sequence, id)
        } else {
            return nil
        }
    }

    init?(_ text: some StringProtocol) {
        guard text.hasPrefix("records/"), let slash = text.lastIndex(of: "/") else {
            self.init(prefix: "", name: text)
            return
        }
        self.init(prefix: text[..<slash], name: text[text.index(after: slash)...])
    }

    /// The same from bytes. A chunk's path is taken without making a string.
    init?(ascii text: UnsafeRawBufferPointer) {
        let digits = text.dropFirst(Self.chunkPrefixBytes.count)
        guard text.starts(with: Self.chunkPrefixBytes) else {
            self.init(String(decoding: text, as: UTF8.self))
            return
        }
        guard let id = ChunkID(hexDigits: UnsafeRawBufferPointer(rebasing: digits)) else {
            return nil
        }
        self = .chunk(id)
    }
}
