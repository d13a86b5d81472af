import DepotCore
import NIOHTTP1

// What FileServer and replica tell each other in the headers of every request and answer; see
// `ReplicaHeader`.

extension HTTPHeaders {
    public mutating func add(identity: ClusterIdentity) {
        replaceOrAdd(name: ReplicaHeader.cluster, value: identity.cluster.description)
        replaceOrAdd(name: ReplicaHeader.epoch, value: String(identity.epoch))
        guard let writer = identity.writer else { return }
        replaceOrAdd(name: ReplicaHeader.writer, value: writer.description)
    }

    /// The cluster, the epoch and the start of a FileServer that a request claims.
    ///
    /// - Throws: `invalidArgument` where they are missing or no such things; an older FileServer
    ///   names no start.
    public func claim() throws(DepotError) -> ClusterIdentity {
        guard let cluster = first(name: ReplicaHeader.cluster).flatMap({ ClusterID($0) }),
            let epoch = first(name: ReplicaHeader.epoch).flatMap({ UInt32($0) }),
            epoch <= CommitSequence.epochMax
        else {
            throw DepotError(
                .invalidArgument,
                "the headers \(ReplicaHeader.cluster) and \(ReplicaHeader.epoch) are missing "
                    + "or wrong")
        }
        let text = first(name: ReplicaHeader.writer)
        let writer = text.flatMap { WriterClaim($0) }
        guard text == nil || writer != nil else {
            throw DepotError(.invalidArgument, "the header \(ReplicaHeader.writer) is wrong")
        }
        return ClusterIdentity(cluster: cluster, epoch: epoch, writer: writer)
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
        return LogPosition(exactlyOpens: opens, segment: segment, offset: offset)
    }
}
