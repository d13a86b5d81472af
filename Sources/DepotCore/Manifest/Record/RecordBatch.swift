import NIOCore

// A record of its own for each small file would be as many objects on replicas as the chunks are. So
// records that are committed together are kept together: their texts, one after the other, are one
// object, which is placed, checked, repaired and deleted as one. A record alone is a batch of one.

/// Records that replicas keep as one object.
///
/// They are of one cluster, and in the order of their sequences, each of which only one of them has.
public struct RecordBatch: Sendable {
    /// So many are read, parsed and entered at once.
    public static let countMax = 512

    public let records: [FileRecord]
    /// Their texts, at most `Limits.recordBatchSizeMax` bytes, as an object of the kind `record`.
    public let object: VerifiedObject

    public init(_ record: FileRecord) { self.init(object: record.encoded(), records: [record]) }

    private init(object: VerifiedObject, records: [FileRecord]) {
        assert((1...Self.countMax).contains(records.count), "a batch of no records, or too many")
        assert(object.length <= Limits.recordBatchSizeMax, "no store would take so long a batch")
        self.object = object
        self.records = records
    }

    /// - Throws: `invalidArgument` where it is not what records are spelled as.
    public init(_ object: VerifiedObject) throws(DepotError) {
        self.init(object: object, records: try Self.records(in: object.contiguous))
    }

    /// The id of the object.
    public var id: ChunkID { object.id.hash }

    /// The highest.
    public var sequence: CommitSequence { records[records.count - 1].sequence }

    /// The highest: it is kept as safe as what needs it most.
    public var level: ReplicationLevel {
        records.reduce(records[0].level) { max($0, $1.level) }
    }

    /// Divides records into few batches.
    public static func cut(_ records: [FileRecord]) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        var builder = Builder()
        for record in records.sorted(by: { $0.sequence < $1.sequence })
        where builder.add(record) == nil {
            batches.append(builder.finish())
            builder = Builder()
            _ = builder.add(record)
        }
        if !builder.isEmpty { batches.append(builder.finish()) }
        return batches
    }

    /// Collects records in the order of their sequences.
    public struct Builder {
        private var text: [UInt8] = []
        private var records: [FileRecord] = []

        public init() {}

        public var isEmpty: Bool { records.isEmpty }

        /// - Returns: its text; `nil` where the batch has no room for it, or ends with a sequence that
        ///   is not lower. An empty one takes any.
        public mutating func add(_ record: FileRecord) -> [UInt8]? {
            let line = record.text
            guard records.count < countMax,
                records.last.map({ $0.sequence < record.sequence }) ?? true,
                text.count + line.count <= Limits.recordBatchSizeMax
            else { return nil }
            text += line
            records.append(record)
            return line
        }

        /// - Precondition: it is not empty.
        public func finish() -> RecordBatch {
            RecordBatch(
                object: VerifiedObject(hashing: ByteBuffer(bytes: text), kind: .record),
                records: records)
        }
    }

    /// Takes exactly the texts of records, one after the other.
    ///
    /// - Throws: `invalidArgument` for anything else.
    public static func records(in text: ByteBuffer) throws(DepotError) -> [FileRecord] {
        guard text.readableBytes <= Limits.recordBatchSizeMax else {
            throw DepotError(
                .invalidArgument,
                "records that are kept together have at most \(Limits.recordBatchSizeMax) bytes, "
                    + "found \(text.readableBytes)")
        }
        var rest = text
        var records: [FileRecord] = []
        repeat {
            // One that does not end is not a record, which its parser tells.
            let length = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n"))
                .map { $0 - rest.readerIndex + 1 }
            let line = rest.readSlice(length: length ?? rest.readableBytes) ?? ByteBuffer()
            let record = try FileRecord(parsing: line)
            try record.require(after: records.last)
            records.append(record)
            guard records.count <= countMax else {
                throw DepotError(
                    .invalidArgument, "more than \(countMax) records are kept together")
            }
        } while rest.readableBytes > 0
        return records
    }
}

extension RecordBatch: Hashable {
    public static func == (left: Self, right: Self) -> Bool { left.id == right.id }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

extension FileRecord {
    /// - Throws: `invalidArgument` where it cannot come behind the other one in a batch.
    fileprivate func require(after last: FileRecord?) throws(DepotError) {
        guard let last else { return }
        guard last.cluster == cluster, last.sequence < sequence else {
            throw DepotError(
                .invalidArgument,
                "records that are kept together are of one cluster, in the order of their sequences",
                object: name.text)
        }
    }
}
