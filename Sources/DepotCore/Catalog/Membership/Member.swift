/// A replica that belongs to the cluster, as the catalog knows it.
public struct Member: Sendable, Hashable, Codable {
    public let replica: ReplicaID
    /// What people call it; unique in the cluster.
    public let name: String
    /// `http://host:port`; may change.
    public let url: String
    /// Copies of a chunk go to different zones before one is used twice.
    public let zone: String
    /// Its share of new copies is in proportion to this.
    public let capacity: ByteCount
    /// How far its log was when it was last heard.
    public let position: LogPosition

    public init(
        replica: ReplicaID, name: String, url: String, zone: String, capacity: ByteCount,
        position: LogPosition
    ) {
        self.replica = replica
        self.name = name
        self.url = url
        self.zone = zone
        self.capacity = capacity
        self.position = position
    }
}
