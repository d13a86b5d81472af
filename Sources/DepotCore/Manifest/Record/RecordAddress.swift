/// Where a record is: in which batch, and its index there.
public struct RecordAddress: Sendable, Hashable {
    public let batch: ChunkID
    public let index: Int

    public init(batch: ChunkID, index: Int) {
        self.batch = batch
        self.index = index
    }
}

/// A record, and where it is.
public struct AddressedRecord: Sendable, Hashable {
    public let record: FileRecord
    public let address: RecordAddress

    public init(_ record: FileRecord, at address: RecordAddress) {
        self.record = record
        self.address = address
    }
}
