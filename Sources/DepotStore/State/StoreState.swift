import DepotCore

// What a store knows in memory. The last copy of an object in log order is the live one. The index
// on the disk lists the copies of the segments that it has merged; the memtable knows every later
// one:
//
//     appended ▶ open segment, memtable   sealed ▶ sealed segment, memtable   merged ▶ index
//
// It is pure: each change is one transition, made under one lock, and `SegmentStore` does on the
// disk what belongs before it or after it. A state that was spread over sets which any of nine
// files could write let a copy be counted that was gone. So every field can be set in this file
// alone, and `checkInvariants` says after each transition how the parts have to fit together.
//
// The log's thread makes all transitions but four: `synced` is made by the syncer's thread;
// `condemned`, `spared` and `failed` by any.

/// A store's memory: its identity, the end of its log, and what its index does not know yet.
struct StoreState<File: Sendable>: Sendable {
    /// As it was written to the folder last.
    private(set) var identity: ReplicaIdentity
    /// The highest sequence that the store ever knew, by a record or by a FileServer's word.
    private(set) var highestSequence: CommitSequence?
    private(set) var log: LogTail<File>
    private(set) var memtable = Memtable()
    private(set) var segments: SealedSegments
    private(set) var quarantine: Quarantine
    private(set) var deletions = Deletions()
    /// Why nothing is written any more.
    private(set) var failure: DepotError?
    /// Live chunks: those that the index lists or the memtable holds.
    private(set) var chunks: Int

    /// The state of a folder whose segments are all sealed and merged.
    ///
    /// - Parameters:
    ///   - index: what the index says.
    ///   - newest: the highest segment number that was ever given, below `SegmentID.numberNext`.
    init(identity: ReplicaIdentity, index: SegmentIndex.Summary, newest: UInt32) {
        self.identity = identity
        highestSequence = identity.sequenceHighest
        log = LogTail(number: newest + 1)
        segments = SealedSegments(index.segments)
        quarantine = Quarantine(index.quarantined)
        chunks = max(0, index.chunks)
        for segment in index.segments { note(segment.highestSequence) }
        checkInvariants()
    }

    // MARK: Identity and failure

    /// The folder has a new identity, durably.
    ///
    /// Before: it is the same replica, opened as often, and none of its numbers went back. After:
    /// the highest sequence is at least the one that it names.
    mutating func identityWritten(_ written: ReplicaIdentity) {
        defer { checkInvariants() }
        assert(written.replica == identity.replica && written.opens == identity.opens)
        assert(
            written.segmentNewest?.number ?? 0 >= identity.segmentNewest?.number ?? 0,
            "a segment's number is never used again")
        assert(
            written.sequenceHighest ?? .first >= identity.sequenceHighest ?? .first,
            "the highest sequence went back")
        identity = written
        if let highest = written.sequenceHighest, highest > .first { note(highest) }
    }

    /// The disk failed. After: nothing more is written, and the first reason stays.
    mutating func failed(_ error: DepotError) {
        failure = failure ?? error
    }

    private mutating func note(_ sequence: CommitSequence?) {
        guard let sequence else { return }
        highestSequence = max(highestSequence ?? sequence, sequence)
    }

    // MARK: The log

    /// A segment was begun, and its file is there.
    ///
    /// Before: none is open, and the identity that was written last names this one. After: it is
    /// open and empty.
    mutating func opened(_ file: File, as segment: SegmentID) {
        defer { checkInvariants() }
        assert(segment == identity.segmentNewest, "a crash now would leave its nonce unknown")
        log.opened(file, as: segment)
    }

    /// A segment could not be begun, and its empty file may stay. Before: none is open. After: the
    /// next one has the next number.
    mutating func skipped() {
        defer { checkInvariants() }
        log.skipped()
    }

    /// Objects were appended to the open segment.
    ///
    /// Before: a segment is open, and the members begin at its end without a gap. After: the log
    /// ends behind them, and each object's live copy is its last one among them. A tombstone of it
    /// is gone; what was quarantined is healing.
    ///
    /// - Parameter listed: the objects among them that the index lists, and maybe others.
    mutating func appended(_ members: [SegmentMember], listed: Set<ObjectID>) {
        defer { checkInvariants() }
        guard let segment = log.open else { preconditionFailure("no segment is open") }
        for member in members {
            log.appended(from: member.offset, through: member.end)
            note(member.path.sequence)
            guard let id = member.path.objectID else { continue }
            let isListed = listed.contains(id)
            if id.kind == .chunk, !isListed, !memtable.holds(id) { chunks += 1 }
            memtable.insert(
                id,
                at: Location(
                    segment: segment.number, nonce: segment.nonce, offset: member.offset,
                    length: member.length), isListed: isListed)
            quarantine.replaced(id)
        }
    }

    /// A sync of the open segment ended that began when the log ended there. Before: the log was
    /// there. After: the log is durable at least up to there, unless the segment was left
    /// meanwhile.
    mutating func synced(upTo mark: LogMark) {
        defer { checkInvariants() }
        log.synced(upTo: mark)
    }

    /// The open segment has its ending, and all of it is durable.
    ///
    /// Before: it is the open one, and longer than what was appended. After: none is open; it waits
    /// to be merged, and its copies stay in the memtable until then. What was healing is healed.
    mutating func sealed(_ sealed: SealedSegment) {
        defer { checkInvariants() }
        assert(sealed.segment.id == log.open, "another segment was sealed than the open one")
        assert(sealed.segment.bytes > log.end, "a segment was sealed without an ending")
        log.left()
        segments.add(sealed)
        quarantine.healingEnded()
    }

    /// The open segment's file is gone, and its copies with it.
    ///
    /// Before: it is open, and every sealed segment is merged, so that the index lists the copies
    /// which now are the last ones. After: none is open, and the memtable is empty.
    ///
    /// - Parameter listed: the objects that were in it and that the index lists.
    /// - Returns: the objects whose bad copy is the last one again. They are in quarantine.
    mutating func openSegmentVanished(listed: Set<ObjectID>) -> [ObjectID] {
        defer { checkInvariants() }
        assert(log.open != nil && segments.unmerged.isEmpty)
        let lost = memtable.drop(log.number)
        assert(memtable.isEmpty, "an entry lies neither in the open segment nor in an unmerged one")
        forgetChunks(lost.count { $0.kind == .chunk && !listed.contains($0) })
        log.left()
        return quarantine.healingUndone(for: listed)
    }

    // MARK: Sealed segments

    /// The index has merged the oldest of the sealed segments that waited for it. After: no entry
    /// of the memtable lies in it, and an entry of an object that it holds shadows its copy.
    mutating func merged(_ number: UInt32) {
        defer { checkInvariants() }
        let sealed = segments.merged(number)
        memtable.flush(number, listing: sealed.members)
    }

    /// The index forgets a segment whose live copies were moved, and its file goes. Before: it is
    /// sealed and merged, and nothing in it is live. After: it is not known any more.
    mutating func compacted(_ number: UInt32) {
        defer { checkInvariants() }
        segments.remove(number)
    }

    /// A sealed segment's file is gone, and the index forgets the segment.
    ///
    /// Before: it is merged. After: it is not known any more, nor are its copies counted.
    ///
    /// - Parameter lost: the objects whose live copy was in it.
    mutating func segmentVanished(_ number: UInt32, losing lost: [ObjectID]) {
        defer { checkInvariants() }
        segments.remove(number)
        quarantine.remove(lost)
        forgetChunks(lost.count { $0.kind == .chunk })
    }

    /// What the index says of a damaged disk may be too little: the count ends at 0.
    private mutating func forgetChunks(_ count: Int) {
        assert(count >= 0)
        chunks = max(0, chunks - count)
    }

    // MARK: Verdicts

    /// Live copies were hashed twice and found wrong. After: they are in quarantine; they count as
    /// absent for a barrier and for a put.
    mutating func quarantined(_ ids: [ObjectID]) {
        defer { checkInvariants() }
        quarantine.add(ids)
    }

    /// Live copies were hashed and found whole. After: none of them is in quarantine.
    ///
    /// - Returns: those that were.
    mutating func healed(_ ids: [ObjectID]) -> [ObjectID] {
        defer { checkInvariants() }
        return quarantine.remove(ids)
    }

    // MARK: Deletions

    /// Objects are named that shall go. After: the token is good for them, and no older one is;
    /// nothing is changed where they are too many.
    ///
    /// - Returns: whether there was room for them.
    mutating func condemned(_ ids: [ObjectID], by token: CondemnToken) -> Bool {
        defer { checkInvariants() }
        return deletions.condemned(ids, by: token)
    }

    /// Objects were put, or asked for at a barrier. After: no token is good for them.
    mutating func spared(_ ids: [ObjectID]) {
        deletions.spared(ids)
    }

    /// Another FileServer writes from now on. After: no token is good for anything.
    mutating func sparedAll() {
        defer { checkInvariants() }
        deletions.sparedAll()
    }

    /// The deletion of condemned objects begins. Before: no other one is under way. After: the
    /// objects are as good as gone, and their token is used up; `deleted` or `notDeleted` follows.
    ///
    /// - Returns: the objects that the token is good for, and which of them the memtable holds.
    mutating func deleting(
        _ ids: [ObjectID], by token: CondemnToken
    ) -> (going: [ObjectID], inMemtable: [ObjectID]) {
        defer { checkInvariants() }
        let going = deletions.began(ids, by: token)
        return (going, going.filter { memtable.holds($0) })
    }

    /// The index has forgotten what is being deleted, durably. After: none of it is live, counted
    /// or in quarantine, and what the memtable held has a tombstone there.
    ///
    /// - Parameter counted: the objects among them that were counted.
    mutating func deleted(counted: Set<ObjectID>) {
        defer { checkInvariants() }
        let gone = deletions.ended()
        for id in gone { memtable.bury(id) }
        quarantine.remove(gone)
        forgetChunks(gone.count { $0.kind == .chunk && counted.contains($0) })
    }

    /// The index could not forget what was being deleted. After: it is there as before, and its
    /// token is used up.
    mutating func notDeleted() {
        defer { checkInvariants() }
        _ = deletions.ended()
    }
}
