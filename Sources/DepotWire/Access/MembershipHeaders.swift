import DepotCore
import NIOHTTP1

// What FileServer and replica tell each other in the headers of every request and answer; see `ReplicaHeader`.

extension HTTPHeaders {
    public mutating func add(membership: ClusterMembership) {
        replaceOrAdd(name: ReplicaHeader.cluster, value: membership.cluster.description)
        replaceOrAdd(name: ReplicaHeader.epoch, value: String(membership.epoch))
    }

    /// The cluster and epoch that a request claims.
    ///
    /// - Throws: `invalidArgument` where they are missing or no such things.
    public func claim() throws(DepotError) -> (cluster: ClusterID, epoch: UInt32) {
        guard let cluster = first(name: ReplicaHeader.cluster).flatMap({ ClusterID($0) }),
            let epoch = first(name: ReplicaHeader.epoch).flatMap({ UInt32($0) })
        else {
            throw DepotError(
                .invalidArgument,
                "the headers \(ReplicaHeader.cluster) and \(ReplicaHeader.epoch) are missing or wrong"
            )
        }
        return (cluster, epoch)
    }

    public mutating func add(standing: ReplicaStanding) {
        let position = standing.position
        replaceOrAdd(name: ReplicaHeader.replica, value: standing.replica.description)
        replaceOrAdd(
            name: ReplicaHeader.position,
            value: "\(position.opens).\(position.segment).\(position.offset)")
    }

    public var replica: ReplicaID? { first(name: ReplicaHeader.replica).flatMap { ReplicaID($0) } }

    public var position: LogPosition? {
        let numbers = first(name: ReplicaHeader.position)?.split(separator: ".")
        guard let numbers, numbers.count == 3, let opens = UInt64(numbers[0]),
            let segment = UInt32(numbers[1]), let offset = UInt64(numbers[2])
        else { return nil }
        return LogPosition(opens: opens, segment: segment, offset: offset)
    }
}
