// Where the copies of a chunk go is computed, not looked up: weighted rendezvous hashing (Thaler
// and Ravishankar; weights after Schindelhauer and Schomaker). Each replica has a score for each
// chunk, and the highest scores win. A replica that joins or leaves moves only the copies that it
// gains or loses.
//
// Scores must be the same on every machine and forever, so nothing in them depends on a library:
//   h = mix(mix(w ^ a) ^ b)   w: first 8 bytes of the chunk id; a, b: the UUID's halves;
//                             all big-endian
//   u = (h >> 12 + ½) / 2^52  strictly between 0 and 1
//   score = −weight / ln u    with a logarithm made of exactly rounded operations
// where mix is the finaliser of SplitMix64. Chunk ids are SHA-256, hence 8 bytes of one are random
// enough.

/// A replica that may hold copies.
public struct PlacementCandidate: Sendable, Hashable {
    public let replica: ReplicaID
    public let zone: String
    /// Its share of copies is in proportion to this. What is not above 0 counts as next to nothing.
    public let weight: Double
    /// Whether it takes new copies: not one that is over its reserve floor or draining. Its rank
    /// and its zone count all the same.
    public let takesCopies: Bool
    /// Whether it is being emptied: its copies are copied from, but count for nothing, and it takes
    /// none.
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
    private let indices: [ReplicaID: Int]
    /// Of each candidate: zones have small numbers, since every chunk asks for them.
    private let zones: [Int]
    private let zoneCount: Int

    /// - Precondition: no replica is there twice.
    public init(_ candidates: [PlacementCandidate]) {
        let sorted = candidates.sorted { $0.replica < $1.replica }
        var numbers: [String: Int] = [:]
        zones = sorted.map { candidate in
            let number = numbers[candidate.zone] ?? numbers.count
            numbers[candidate.zone] = number
            return number
        }
        self.candidates = sorted
        zoneCount = numbers.count
        indices = Dictionary(
            uniqueKeysWithValues: sorted.enumerated().map { ($1.replica, $0) })
        assert(zones.allSatisfy { $0 < zoneCount }, "a zone has no number")
    }

    /// The zone of a candidate.
    public func zone(of replica: ReplicaID) -> String? {
        indices[replica].map { candidates[$0].zone }
    }

    /// All candidates, the one that should hold a copy first at the front.
    public func order(for id: ChunkID) -> [ReplicaID] { ranked(for: id).map(\.replica) }

    func ranked(for id: ChunkID) -> [PlacementCandidate] {
        ranking(for: id).map { candidates[$0.index] }
    }

    private func ranking(for id: ChunkID) -> [(index: Int, score: Double)] {
        var ranking = candidates.indices.map {
            (index: $0, score: RendezvousScore.score(of: candidates[$0], for: id))
        }
        // Equal scores stay in order of replica.
        ranking.sort { ($1.score, $0.index) < ($0.score, $1.index) }
        return ranking
    }

    /// Replicas for `count` new copies of a chunk beside those that are kept, best first; fewer
    /// where there are not enough. No zone is used twice while another one, unused, could take a
    /// copy.
    ///
    /// - Parameters:
    ///   - kept: replicas whose copies stay. They are not chosen, and their zones count as used.
    ///   - avoided: replicas that are chosen only where nothing else is left.
    public func choose(
        _ count: Int, for id: ChunkID, keeping kept: some Collection<ReplicaID> = [],
        avoiding avoided: some Collection<ReplicaID> = []
    ) -> [ReplicaID] {
        var uses = [Int](repeating: 0, count: zoneCount)
        for index in kept.compactMap({ indices[$0] }) { uses[zones[index]] += 1 }
        var rest = ranking(for: id).map(\.index).filter { index in
            candidates[index].takesCopies && !kept.contains(candidates[index].replica)
        }
        var chosen: [ReplicaID] = []
        for takesAvoided in [false, true] {
            while chosen.count < count {
                // The first of those whose zone has been used least.
                var best: Int?
                for (place, index) in rest.enumerated()
                where avoided.contains(candidates[index].replica) == takesAvoided {
                    guard let found = best, uses[zones[rest[found]]] <= uses[zones[index]] else {
                        best = place
                        continue
                    }
                }
                guard let best else { break }
                let index = rest.remove(at: best)
                uses[zones[index]] += 1
                chosen.append(candidates[index].replica)
            }
        }
        assert(chosen.count <= max(0, count), "more copies are placed than were asked for")
        assert(Set(chosen).count == chosen.count, "two copies are placed on one replica")
        assert(!chosen.contains(where: kept.contains), "a copy is placed beside one that is kept")
        return chosen
    }
}
