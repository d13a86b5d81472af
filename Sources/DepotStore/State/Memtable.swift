import DepotCore

// The index on the disk learns of a segment when the segment is sealed: rows that come sorted, many
// at a time, cost a tenth of rows that come one by one. Until then only memory knows where its
// copies are. Whatever the memtable says of an object goes before what the index says of it.

/// Where the copies lie that the index has not merged: those in the open segment, and in sealed
/// ones that the index lags behind with.
struct Memtable {
    /// Up to so many entries are looked at after each transition of a debug build.
    static let countChecked = 512

    private var entries: [ObjectID: Location] = [:]
    /// Objects with an entry that the index may list, too, at an older place.
    private(set) var shadowed: Set<ObjectID> = []
    /// Objects that were deleted while they had an entry, and the entry's segment: the index must
    /// not show them when it merges that.
    private var tombstones: [ObjectID: UInt32] = [:]

    // MARK: Queries

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var locations: some Sequence<Location> { entries.values }
    var deleted: Set<ObjectID> { Set(tombstones.keys) }

    func location(of id: ObjectID) -> Location? { entries[id] }
    func holds(_ id: ObjectID) -> Bool { entries[id] != nil }
    func isDeleted(_ id: ObjectID) -> Bool { tombstones[id] != nil }
    /// Whether an object's copy in the index is not its live one: it is shadowed or deleted.
    func overrides(_ id: ObjectID) -> Bool { holds(id) || isDeleted(id) }

    /// The entries of objects behind one in order of id, or of all.
    func entries(after id: ObjectID?) -> [ObjectID: Location] {
        guard let id else { return entries }
        return entries.filter { $0.key > id }
    }

    /// The copies in a segment whose headers lie in a range.
    func copies(
        in segment: UInt32, at offsets: Range<UInt64> = 0..<UInt64.max
    ) -> [(id: ObjectID, location: Location)] {
        entries.filter { $0.value.segment == segment && offsets.contains($0.value.offset) }
            .map { ($0.key, $0.value) }
    }

    // MARK: Changes

    /// The newest copy of an object. Its tombstone goes.
    mutating func insert(_ id: ObjectID, at location: Location, isListed: Bool) {
        assert(
            entries[id].map { $0.mark < location.mark } ?? true,
            "a new copy lies in front of an older one")
        entries[id] = location
        tombstones[id] = nil
        if isListed { shadowed.insert(id) }
    }

    /// A tombstone takes the place of an object's entry, where it has one.
    mutating func bury(_ id: ObjectID) {
        guard let buried = entries.removeValue(forKey: id) else { return }
        shadowed.remove(id)
        tombstones[id] = buried.segment
    }

    /// The index has merged a segment: it lists now what was in it and was not deleted.
    mutating func flush(_ segment: UInt32, listing members: [SegmentMember]) {
        forget(segment)
        guard !isEmpty else { return }
        for member in members {
            if let id = member.path.objectID, holds(id) { shadowed.insert(id) }
        }
    }

    /// A segment is gone.
    ///
    /// - Returns: the objects whose entries were in it.
    mutating func drop(_ segment: UInt32) -> [ObjectID] {
        let dropped = copies(in: segment).map(\.id)
        forget(segment)
        return dropped
    }

    private mutating func forget(_ segment: UInt32) {
        entries = entries.filter { $0.value.segment != segment }
        shadowed = entries.isEmpty ? [] : shadowed.filter { entries[$0] != nil }
        tombstones = tombstones.filter { $0.value != segment }
    }

    // MARK: What always holds

    func checkInvariants() {
        assert(shadowed.count <= entries.count, "an object is shadowed by nothing")
        guard count <= Self.countChecked else { return }
        assert(shadowed.allSatisfy(holds), "an object is shadowed by nothing")
        assert(!tombstones.keys.contains(where: holds), "an object has an entry and a tombstone")
    }

    /// Whether every tombstone lies in one of these segments.
    func buries(in segments: Set<UInt32>) -> Bool { segments.isSuperset(of: tombstones.values) }
}
