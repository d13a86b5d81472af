import DepotCore

/// What the store knows in memory: the part of its index that is not in SQLite yet, and what is under way.
struct StoreState {
    var identity: ReplicaIdentity
    /// Of the open segment, and of sealed ones that the index has not taken in.
    var recent: [ObjectID: Location] = [:]
    /// Of them, those that the index lists too, where they were before. Whatever else is in it says nothing.
    var again: Set<ObjectID> = []
    /// Deleted while they were in `recent`: the index must not take them in.
    var dead: Set<ObjectID> = []
    /// Sealed segments.
    var segments: [UInt32: SegmentIndex.Segment] = [:]
    /// Copies that were hashed twice and found wrong.
    var bad: Set<ObjectID> = []
    /// Of them, those that were put again into the open segment.
    var healing: Set<ObjectID> = []
    var condemned: [ObjectID: CondemnToken] = [:]
    /// Being deleted from the index at this moment: as good as gone.
    var dying: Set<ObjectID> = []
    /// Why nothing is written any more.
    var failure: DepotError?
    var chunks = 0
    var sealedBytes: UInt64 = 0
    var highestSequence: CommitSequence?

    /// The segment that is, or will be, appended to.
    var segment: UInt32
    /// The open segment's file; `nil` until something is put.
    var file: SegmentFile?
    /// Its nonce; 0 while none is open.
    var nonce: UInt64 = 0
    /// Where it ends, and how much of it a sync has covered.
    var end: UInt64 = 0
    var synced: UInt64 = 0

    var appended: LogMark { LogMark(segment: segment, offset: end) }
    var durable: LogMark { LogMark(segment: segment, offset: synced) }

    var position: LogPosition {
        LogPosition(opens: identity.opens, segment: segment, offset: synced)
    }

    /// Where an object is, as far as memory knows: not below the index where it is neither here nor gone.
    func recentLocation(_ id: ObjectID) -> Location? { dying.contains(id) ? nil : recent[id] }

    /// No segment is open any more; the next one has the next number.
    mutating func leave(_ number: UInt32) {
        segment = number + 1
        file = nil
        nonce = 0
        end = 0
        synced = 0
        healing = []
    }

    mutating func note(_ sequence: CommitSequence?) {
        guard let sequence else { return }
        highestSequence = max(highestSequence ?? sequence, sequence)
    }
}

/// A place in the log. Everything in front of a durable one is durable.
struct LogMark: Comparable {
    let segment: UInt32
    let offset: UInt64

    static func < (left: Self, right: Self) -> Bool {
        (left.segment, left.offset) < (right.segment, right.offset)
    }
}
