import DepotCore

// A commit names no more than some thousands of the chunks that it lacks. After a lease that ended
// a large file lacks all of its chunks, and takes many rounds, in each of which others are named. A
// chunk that is named again and again is another matter.

/// Tells whether settling gets anywhere.
struct SettlingRounds {
    /// A chunk that is lacking after so many tries is not going to be held.
    private static let triesMax = 4
    /// Enough for the chunks of 100 TiB.
    private static let roundsMax = 100_000

    private var before: Set<ChunkID> = []
    private var rounds = 0
    /// How often in a row something was lacking that had been lacking just before, and the first
    /// time.
    private(set) var tries = 0

    /// Notes what is lacking after a round.
    mutating func goOn(with lacking: [ChunkReference]) -> Bool {
        let now = Set(lacking.lazy.map(\.id))
        tries = before.isDisjoint(with: now) ? 1 : tries + 1
        before = now
        rounds += 1
        return tries < Self.triesMax && rounds < Self.roundsMax
    }
}
