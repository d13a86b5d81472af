import DepotCore

/// A replica as the operator names it. Its identity is not here: that is the UUID in its folder.
public struct ReplicaConfiguration: Sendable, Hashable {
    /// What people call it; its address, where not given.
    public let name: String?
    /// `http://host:port`.
    public let url: String
    /// Copies of a chunk go to different zones first. All that have none given share one.
    public let zone: String?
    /// Its share of new copies is in proportion to this; its disk's size when first seen, where not
    /// given.
    public let capacity: ByteCount?

    public init(
        url: String, name: String? = nil, zone: String? = nil, capacity: ByteCount? = nil
    ) {
        self.url = url
        self.name = name
        self.zone = zone
        self.capacity = capacity
    }
}

/// Makes the link to a replica. The link carries the cluster's id and epoch in each request.
public typealias ReplicaLinks =
    @Sendable (ReplicaConfiguration, ClusterIdentity) throws(DepotError) -> any ReplicaLink
