import DepotCore

/// A `MembershipOffer`: a `ClusterMembership`, as an older replica reads it, and what goes with it.
public struct AdoptionBody: Sendable, Codable {
    public let offer: MembershipOffer

    private enum Keys: String, CodingKey {
        case replacing
        case sequence
    }

    public init(_ offer: MembershipOffer) { self.offer = offer }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        offer = MembershipOffer(
            try ClusterMembership(from: decoder),
            replacing: try container.decodeIfPresent(WriterClaim.self, forKey: .replacing),
            sequence: try container.decodeIfPresent(CommitSequence.self, forKey: .sequence))
    }

    public func encode(to encoder: any Encoder) throws {
        try offer.membership.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encodeIfPresent(offer.replacing, forKey: .replacing)
        try container.encodeIfPresent(offer.sequence, forKey: .sequence)
    }
}
