/// A record, and the batch in which replicas keep it.
public struct KeptRecord: Sendable, Hashable {
    public let record: FileRecord
    public let batch: RecordBatch

    public init(_ record: FileRecord, in batch: RecordBatch) {
        assert(batch.records.contains(record), "the record is in another batch")
        self.record = record
        self.batch = batch
    }

    /// One that was committed alone.
    public init(_ record: FileRecord) { self.init(record, in: RecordBatch(record)) }
}
