// A server has so many places for connections, and whoever reaches the port may open some. So a
// connection is a stranger until a request of it carried the token. Strangers have a share of their
// own, which they cannot leave: where it is full, the oldest of the address that has most of them
// makes place for the new one. Whoever carries a token is in within a round trip, and strangers
// take nothing from those; among them the one that has been idle for longest makes place. The
// connections of one token and address have three quarters of these places at the most, as of
// memory: a client that asks and then does nothing costs its own share. Where no other makes place,
// one does whose client neither sends nor takes what it is waited for: it may be somebody whose line
// stands still, and he may ask again; whoever comes would be kept out for as long.

/// Which connections there are. Pure: it says which has to go, and `ConnectionRegistry` closes it.
struct PlaceTable<Key: Hashable> {
    enum Answer: Equatable {
        case welcome
        /// Close that one.
        case insteadOf(Key)
        case full
    }

    private struct Stranger {
        let address: String
        let order: UInt64
    }

    private struct Known {
        /// Token and address.
        let caller: [String]
        /// When it was last idle; `nil` while it is asking.
        var idleSince: UInt64?
        /// Since when it is asking and its client stands still; `nil` where it does not.
        var stillSince: UInt64?
    }

    let strangersMax: Int
    let strangersOfOneMax: Int
    let knownMax: Int
    let knownOfOneMax: Int
    private var strangers: [Key: Stranger] = [:]
    private var known: [Key: Known] = [:]
    private var clock: UInt64 = 0

    /// - Parameter countMax: of all; a quarter of them for strangers, half of that for those of one
    ///   address.
    init(countMax: Int) {
        strangersMax = max(1, countMax / 4)
        strangersOfOneMax = max(1, countMax / 8)
        knownMax = max(1, countMax - strangersMax)
        knownOfOneMax = max(1, knownMax * 3 / 4)
    }

    mutating func enter(_ key: Key, from address: String) -> Answer {
        let victim = strangerToGo(for: address)
        clock += 1
        if let victim { strangers[victim] = nil }
        strangers[key] = Stranger(address: address, order: clock)
        return victim.map(Answer.insteadOf) ?? .welcome
    }

    private func strangerToGo(for address: String) -> Key? {
        var counts: [String: Int] = [:]
        guard strangers.count >= strangersOfOneMax else { return nil }
        for stranger in strangers.values { counts[stranger.address, default: 0] += 1 }
        if counts[address, default: 0] >= strangersOfOneMax { return oldestStranger(of: address) }
        guard strangers.count >= strangersMax else { return nil }
        return counts.max { $0.value < $1.value }.flatMap { oldestStranger(of: $0.key) }
    }

    private func oldestStranger(of address: String) -> Key? {
        strangers.filter { $0.value.address == address }
            .min { $0.value.order < $1.value.order }?.key
    }

    /// A request that carries a token begins.
    mutating func begin(_ key: Key, with token: String) -> Answer {
        if known[key] != nil {
            known[key]?.idleSince = nil
            known[key]?.stillSince = nil
            return .welcome
        }
        // One that had to go in this moment is not let in again.
        guard let stranger = strangers[key] else { return .full }
        let caller = [token, stranger.address]
        let own = known.filter { $0.value.caller == caller }
        var answer = Answer.welcome
        if known.count >= knownMax || own.count >= knownOfOneMax {
            let some = own.count >= knownOfOneMax ? own : known
            guard let victim = Self.longestIdle(of: some) ?? Self.longestStill(of: some) else {
                return .full
            }
            known[victim] = nil
            answer = .insteadOf(victim)
        }
        strangers[key] = nil
        known[key] = Known(caller: caller, idleSince: nil)
        return answer
    }

    /// All its requests are answered.
    mutating func end(_ key: Key) {
        clock += 1
        known[key]?.idleSince = clock
        known[key]?.stillSince = nil
    }

    /// A request waits for its client, in vain.
    mutating func standsStill(_ key: Key) {
        clock += 1
        known[key]?.stillSince = clock
    }

    /// It goes on.
    mutating func goesOn(_ key: Key) { known[key]?.stillSince = nil }

    mutating func leave(_ key: Key) {
        strangers[key] = nil
        known[key] = nil
    }

    private static func longestIdle(of some: [Key: Known]) -> Key? {
        some.compactMap { key, place in place.idleSince.map { (key, $0) } }
            .min { $0.1 < $1.1 }?.0
    }

    private static func longestStill(of some: [Key: Known]) -> Key? {
        some.compactMap { key, place in place.stillSince.map { (key, $0) } }
            .min { $0.1 < $1.1 }?.0
    }

    /// Those that nobody misses, the least useful first; they leave.
    mutating func leastUseful(_ count: Int) -> [Key] {
        var found = strangers.sorted { $0.value.order < $1.value.order }.prefix(count).map(\.key)
        for key in found { leave(key) }
        while found.count < count, let key = Self.longestIdle(of: known) {
            leave(key)
            found.append(key)
        }
        return found
    }
}
