import DepotCore

// A deletion has two halves, so that one which was decided on old knowledge comes to nothing:
// between `condemn` and `delete` anybody who puts an object, or asks for it at a barrier, spares
// it.

/// Deletions that were announced, and the one that is under way.
struct Deletions {
    /// In objects: bounds what is remembered of deletions that nobody finishes.
    static let condemnedMax = 1 << 20

    private var tokens: [ObjectID: CondemnToken] = [:]
    /// What the index is being told to forget: as good as gone.
    private(set) var underWay: Set<ObjectID> = []

    func isUnderWay(_ id: ObjectID) -> Bool { underWay.contains(id) }

    /// - Returns: whether there was room for them.
    mutating func condemned(_ ids: [ObjectID], by token: CondemnToken) -> Bool {
        guard tokens.count + ids.count <= Self.condemnedMax else { return false }
        for id in ids { tokens[id] = token }
        return true
    }

    mutating func spared(_ ids: [ObjectID]) {
        for id in ids { tokens[id] = nil }
    }

    mutating func sparedAll() { tokens = [:] }

    /// Before: none is under way.
    ///
    /// - Returns: the objects that the token is good for.
    mutating func began(_ ids: [ObjectID], by token: CondemnToken) -> [ObjectID] {
        assert(underWay.isEmpty, "two deletions are under way")
        let going = ids.filter { tokens[$0] == token }
        spared(going)
        underWay = Set(going)
        return going
    }

    /// - Returns: what was under way.
    mutating func ended() -> Set<ObjectID> {
        defer { underWay = [] }
        return underWay
    }

    func checkInvariants() {
        assert(tokens.count <= Self.condemnedMax, "too much is condemned")
    }
}
