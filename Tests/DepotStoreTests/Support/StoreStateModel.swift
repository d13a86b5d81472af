import DepotCore
import Testing

@testable import DepotStore

/// What a store holds, as one would say it without an index and without a memtable: each object's
/// copies in log order, of which the last one is live. Beside it a stand-in for the index, which
/// learns what `SegmentStore` would tell it.
struct StoreStateModel {
    struct Copy {
        let place: Location
        /// Found wrong, or put again because it was.
        var isBad = false
    }

    private(set) var copies: [ObjectID: [Copy]] = [:]
    private(set) var tokens: [ObjectID: CondemnToken] = [:]
    private(set) var index: [ObjectID: Location] = [:]
    /// Up to where in a segment that is not merged the index has to leave out an object's copies.
    private var buried: [UInt32: [ObjectID: UInt64]] = [:]

    func live(_ id: ObjectID) -> Location? { copies[id]?.last?.place }
    var held: Set<ObjectID> { Set(copies.keys) }
    var bad: Set<ObjectID> { held.filter { copies[$0]?.last?.isBad == true } }
    func isHeldWhole(_ id: ObjectID) -> Bool { copies[id]?.last?.isBad == false }

    /// Objects whose live copy is in a segment, in order of their place.
    func live(in segment: UInt32) -> [ObjectID] {
        let found = held.filter { live($0)?.segment == segment }
        return found.sorted { (live($0)?.offset ?? 0) < (live($1)?.offset ?? 0) }
    }

    // MARK: Changes

    mutating func append(_ id: ObjectID, at place: Location) {
        copies[id, default: []].append(Copy(place: place))
    }

    mutating func mark(_ id: ObjectID, isBad: Bool) {
        guard let last = copies[id]?.indices.last else { return }
        copies[id]?[last].isBad = isBad
    }

    mutating func condemn(_ ids: [ObjectID], _ token: CondemnToken) {
        for id in ids { tokens[id] = token }
    }

    mutating func spare(_ ids: [ObjectID]) {
        for id in ids { tokens[id] = nil }
    }

    mutating func spareAll() { tokens = [:] }

    mutating func remove(_ ids: [ObjectID]) {
        for id in ids { copies[id] = nil }
    }

    /// A segment is gone, with every copy in it.
    mutating func lose(_ segment: UInt32) {
        for (id, all) in copies {
            let left = all.filter { $0.place.segment != segment }
            copies[id] = left.isEmpty ? nil : left
        }
    }

    /// The open segment is gone. Where a copy in it was bad, the older one that comes forth is not
    /// trusted either.
    mutating func loseOpen(_ segment: UInt32) {
        let spoilt = held.filter { id in
            copies[id]?.contains { $0.place.segment == segment && $0.isBad } == true
        }
        lose(segment)
        for id in spoilt { mark(id, isBad: true) }
    }

    // MARK: The index

    mutating func merge(_ sealed: SealedSegment) {
        let segment = sealed.segment
        for member in sealed.members {
            guard let id = member.path.objectID else { continue }
            if let through = buried[segment.number]?[id], member.offset < through { continue }
            index[id] = Location(
                segment: segment.number, nonce: segment.nonce, offset: member.offset,
                length: member.length)
            // The index has one row an object: older copies are forgotten for good.
            copies[id]?.removeAll { $0.place.segment < segment.number }
        }
        buried[segment.number] = nil
    }

    mutating func forget(
        _ ids: [ObjectID], buried inMemtable: [ObjectID], in parts: [SegmentIndex.Part]
    ) {
        for id in ids { index[id] = nil }
        for part in parts {
            for id in inMemtable { buried[part.number, default: [:]][id] = part.end }
        }
    }

    mutating func forget(_ segment: UInt32) { index = index.filter { $0.value.segment != segment } }
}
