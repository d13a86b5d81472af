import DepotCore

extension StoreState {
    /// How far the log goes, for whoever asks the replica.
    var position: LogPosition {
        LogPosition(opens: identity.opens, segment: log.number, offset: log.durable.offset)
    }

    /// Bytes of all segments.
    var usedBytes: UInt64 { segments.bytes + log.end }

    /// The identity as it has to be written next, before anything in it is changed.
    var identityNext: ReplicaIdentity {
        var next = identity
        next.sequenceHighest = highestSequence
        return next
    }

    /// Finds the objects that the memtable has.
    ///
    /// - Returns: the objects of which the index has to be asked. One that was deleted is neither
    ///   found nor among them.
    func find(_ ids: [ObjectID], into found: inout [ObjectID: Location]) -> [ObjectID] {
        var unknown: [ObjectID] = []
        for id in ids where !deletions.isUnderWay(id) {
            if let location = memtable.location(of: id) {
                found[id] = location
            } else if !memtable.isDeleted(id) {
                unknown.append(id)
            }
        }
        return unknown
    }

    /// Where the memtable has an object that is not being deleted.
    func location(of id: ObjectID) -> Location? {
        deletions.isUnderWay(id) ? nil : memtable.location(of: id)
    }

    /// Whether an object's copy in the index is not its live one: it is shadowed, deleted or being
    /// deleted.
    func hidesIndexed(_ id: ObjectID) -> Bool {
        memtable.overrides(id) || deletions.isUnderWay(id)
    }

    /// Objects of which neither memory nor the index has anything to show.
    var gone: Set<ObjectID> { memtable.deleted.union(deletions.underWay) }

    /// The objects among these that `chunks` counts, if they are chunks.
    ///
    /// - Parameter listed: those that the index lists.
    func counted(_ ids: [ObjectID], listed: some Sequence<ObjectID>) -> Set<ObjectID> {
        Set(listed.filter { !memtable.isDeleted($0) }).union(ids.filter { memtable.holds($0) })
    }

    /// The segments that the index has not merged, as far as they go now.
    var unmergedParts: [SegmentIndex.Part] {
        var parts = segments.unmerged.map {
            SegmentIndex.Part(
                number: $0.segment.number, nonce: $0.segment.nonce, end: $0.segment.bytes)
        }
        if let open = log.begun {
            parts.append(SegmentIndex.Part(number: open.number, nonce: open.nonce, end: log.end))
        }
        return parts
    }
}
