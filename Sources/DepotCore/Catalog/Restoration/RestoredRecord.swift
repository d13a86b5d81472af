/// A record that was found when replicas were asked, and where.
public struct RestoredRecord: Sendable, Hashable {
    public let record: FileRecord
    public let holders: Set<ReplicaID>

    public init(record: FileRecord, holders: Set<ReplicaID>) {
        self.record = record
        self.holders = holders
    }
}
