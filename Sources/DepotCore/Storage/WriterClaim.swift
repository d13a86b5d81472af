// One writer. A FileServer's data folder may be copied: a machine is cloned, a failover leaves the
// first one running, a backup is put back. Two FileServers on copies of one catalog would each
// acknowledge what the other one's collection then deletes. So:
//
// A. Each start of a FileServer makes a claim of its own, which its catalog keeps with all those
//   that it made before. It writes nothing before a majority of the members has accepted the claim,
//   durably. A replica keeps one claim, and takes another in its place only from a FileServer whose
//   catalog knows the one that it keeps: the claims of a replica are a chain, and a catalog that
//   was copied before the last link cannot lengthen it. A replica takes objects, vouches, condemns,
//   deletes and compacts for the claim that it keeps and for no other; when it takes a new one,
//   deletions under way are void.
// B. An acknowledged commit is known to a majority of the members, durably, under the claim of
//   whoever acknowledged it: by its record, or by its sequence alone. A replica says the highest
//   sequence that it ever knew *after* it took a claim. Whoever has a majority's claims and finds
//   none of them knowing more than its catalog has thus the newest catalog: the majority of any
//   later acknowledgement would have met it.
//   A commit that was *not* acknowledged may be on a minority all the same, or come there later,
//   and whoever takes over does not know of it. So that such a commit never passes for newer than
//   what is acknowledged after it, the sequences of each start begin far behind the last one that
//   its catalog has given (`CommitSequence.leap`), once a majority has accepted its claim: not
//   before, or an old catalog would seem to know everything. And a FileServer whose commits no
//   majority learns of stops long before it has given so many.
// C. The majority is of the member list in force. A change of the list has a revision, is told to a
//   majority of the new list before the next change begins, and a replica that knows a higher
//   revision than a catalog shows that it is old.
//
// A rebuild raises the epoch, which ends all claims of the epoch before.

/// Which start of which FileServer writes, as replicas keep it.
public struct WriterClaim: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Starts of one catalog; each claim's number is above that of the one it takes the place of.
    public static let numberMax: UInt64 = 1 << 53

    public let number: UInt64
    /// Two copies of a catalog go on with the same number, and not with the same id.
    public let id: WriterID

    /// - Returns: `nil` for a number out of bounds.
    public init?(number: UInt64, id: WriterID) {
        guard (1...Self.numberMax).contains(number) else { return nil }
        self.number = number
        self.id = id
    }

    /// Takes what `description` gives: `7.` and a UUID.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]), let id = WriterID(parts[1]) else {
            return nil
        }
        self.init(number: number, id: id)
    }

    public var description: String { "\(number).\(id)" }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let claim = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a writer's claim: '\(text)'")
        }
        self = claim
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// What a FileServer asks a replica to keep.
public struct MembershipOffer: Sendable, Hashable {
    public let membership: ClusterMembership
    /// The claim that the replica is known to keep, where the offered one is to take its place.
    public let replacing: WriterClaim?
    /// The latest sequence that the catalog has given: from now on the replica knows it.
    public let sequence: CommitSequence?

    public init(
        _ membership: ClusterMembership, replacing: WriterClaim? = nil,
        sequence: CommitSequence? = nil
    ) {
        self.membership = membership
        self.replacing = replacing
        self.sequence = sequence
    }

    /// What a replica keeps that is offered this: the one rule for all that hold a membership.
    ///
    /// - Throws: `clusterMismatch`, `epochStale`, also for a claim that does not continue the one
    ///   that is kept.
    public func accepted(
        over known: ClusterMembership?, by replica: ReplicaID
    ) throws(DepotError) -> ClusterMembership {
        guard let known else { return membership }
        guard known.cluster == membership.cluster else {
            throw DepotError(
                .clusterMismatch,
                "this replica belongs to cluster \(known.cluster), not to \(membership.cluster)",
                object: replica.description)
        }
        guard known.epoch <= membership.epoch else {
            throw DepotError(
                .epochStale,
                "this replica has seen epoch \(known.epoch), the FileServer is at "
                    + "\(membership.epoch): another one has taken over",
                object: replica.description)
        }
        if known.epoch < membership.epoch { return membership }
        guard let writer = known.writer, writer != membership.writer else { return membership }
        guard let offered = membership.writer, replacing == writer, offered.number > writer.number
        else { throw known.refusal(of: membership.writer, by: replica) }
        return membership
    }
}

extension ClusterMembership {
    /// - Throws: `epochStale` where another FileServer's claim is kept.
    public func require(
        _ claim: WriterClaim?, epoch claimed: UInt32, by replica: ReplicaID
    ) throws(DepotError) {
        guard claimed > epoch || claim == writer else { throw refusal(of: claim, by: replica) }
    }

    func refusal(of claim: WriterClaim?, by replica: ReplicaID) -> DepotError {
        DepotError(
            .epochStale,
            "this replica takes changes from another FileServer (start \(writer?.number ?? 0)), "
                + "not from this one (start \(claim?.number ?? 0)): one with a copy of this "
                + "catalog has taken over, or this one has not taken over yet",
            object: replica.description)
    }
}
