// Where the copies of a chunk go is computed, not looked up: weighted rendezvous hashing (Thaler and
// Ravishankar; weights after Schindelhauer and Schomaker). Each replica has a score for each chunk, and the
// highest scores win. A replica that joins or leaves moves only the copies that it gains or loses.
//
// Scores must be the same on every machine and forever, so nothing in them depends on a library:
//   h = mix(mix(w ^ a) ^ b)   w: first 8 bytes of the chunk id; a, b: the UUID's halves; all big-endian
//   u = (h >> 12 + ½) / 2^52  strictly between 0 and 1
//   score = −weight / ln u    with a logarithm made of exactly rounded operations
// where mix is the finaliser of SplitMix64. Chunk ids are SHA-256, hence 8 bytes of one are random enough.

/// A replica that may hold copies.
public struct PlacementCandidate: Sendable, Hashable {
    public let replica: ReplicaID
    public let zone: String
    /// Its share of copies is in proportion to this. What is not above 0 counts as next to nothing.
    public let weight: Double
    /// Whether it takes new copies: not one that is over its reserve floor or draining. Its rank and its zone
    /// count all the same.
    public let takesCopies: Bool
    /// Whether it is being emptied: its copies are copied from, but count for nothing, and it takes none.
    public let isLeaving: Bool

    public init(
        replica: ReplicaID, zone: String, weight: Double, takesCopies: Bool = true,
        isLeaving: Bool = false
    ) {
        self.replica = replica
        self.zone = zone
        self.weight = weight
        self.takesCopies = takesCopies && !isLeaving
        self.isLeaving = isLeaving
    }
}

/// Ranks replicas for chunks. Costs one hash and one logarithm for each replica and chunk.
public struct Placement: Sendable {
    /// In order of replica.
    public let candidates: [PlacementCandidate]
    private let zones: [ReplicaID: String]

    /// - Precondition: no replica is there twice.
    public init(_ candidates: [PlacementCandidate]) {
        self.candidates = candidates.sorted { $0.replica < $1.replica }
        zones = Dictionary(uniqueKeysWithValues: candidates.map { ($0.replica, $0.zone) })
    }

    /// The zone of a candidate.
    public func zone(of replica: ReplicaID) -> String? { zones[replica] }

    /// All candidates, the one that should hold a copy first at the front.
    public func order(for id: ChunkID) -> [ReplicaID] { ranked(for: id).map(\.replica) }

    func ranked(for id: ChunkID) -> [PlacementCandidate] {
        candidates
            .map { (candidate: $0, score: RendezvousScore.score(of: $0, for: id)) }
            .sorted { ($1.score, $0.candidate.replica) < ($0.score, $1.candidate.replica) }
            .map(\.candidate)
    }

    /// Replicas for `count` new copies of a chunk beside those that are kept, best first; fewer where there
    /// are not enough. No zone is used twice while another one, unused, could take a copy.
    ///
    /// - Parameters:
    ///   - kept: replicas whose copies stay. They are not chosen, and their zones count as used.
    ///   - avoided: replicas that are chosen only where nothing else is left.
    public func choose(
        _ count: Int, for id: ChunkID, keeping kept: some Collection<ReplicaID> = [],
        avoiding avoided: some Collection<ReplicaID> = []
    ) -> [ReplicaID] {
        var uses: [String: Int] = [:]
        for zone in kept.compactMap(zone(of:)) { uses[zone, default: 0] += 1 }
        let eligible = ranked(for: id).filter { $0.takesCopies && !kept.contains($0.replica) }
        var chosen: [ReplicaID] = []
        for rank in [
            eligible.filter { !avoided.contains($0.replica) },
            eligible.filter { avoided.contains($0.replica) },
        ] {
            var rest = rank
            while chosen.count < count, let best = Self.leastUsed(rest, uses) {
                let candidate = rest.remove(at: best)
                uses[candidate.zone, default: 0] += 1
                chosen.append(candidate.replica)
            }
        }
        return chosen
    }

    /// The first of those whose zone has been used least.
    private static func leastUsed(
        _ ranked: [PlacementCandidate], _ uses: [String: Int]
    ) -> Int? {
        ranked.indices.min {
            (uses[ranked[$0].zone, default: 0], $0) < (uses[ranked[$1].zone, default: 0], $1)
        }
    }
}
