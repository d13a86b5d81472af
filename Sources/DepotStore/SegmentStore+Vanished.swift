import DepotCore

// Files vanish under a running store: somebody removes them, or a disk is wiped. Copies that only
// the memtable or the index knows then must not count as held; the loss has to be seen, so that
// they are put again. So a lookup asks for each segment's file, a barrier asks for the open one's,
// and here is what happens to a segment whose file is gone.
extension SegmentStore {
    /// Goes on without the open segment, whose file is gone. Its copies are absent. On the log's
    /// thread.
    func abandon(_ number: UInt32) throws(DepotError) {
        assertOnLog()
        guard state.withLock({ $0.log.open?.number == number }) else { return }
        try failing { () throws(DepotError) in
            try folder.checkIsThere()
            // For an object that was moved or put again into it, the older copy is the last one
            // now: the index has to know that one.
            try mergeSealed()
            guard state.withLock({ $0.segments.unmerged.isEmpty }) else {
                throw DepotError(
                    .storeFailed,
                    "the open segment's file is gone, and the index lags behind; restart the "
                        + "replica",
                    object: SegmentFile.name(number))
            }
            let lost = state.withLock { state in
                state.memtable.copies(in: number).map(\.id)
            }
            let listed = Set(try index.find(lost).keys)
            writer.withLock { $0 = nil }
            files.forget(number)
            let bad = state.withLock { $0.openSegmentVanished(listed: listed) }
            try index.markBad(bad)
            logger.critical(
                "the open segment's file is gone, with all that was in it",
                metadata: ["segment": "\(number)", "copies": "\(lost.count)"])
        }
    }

    /// Takes a sealed segment whose file is gone out of the index. Its copies are absent already.
    /// On the log's thread.
    ///
    /// - Returns: whether the segment is gone, and forgotten.
    func forgetVanished(_ segment: SegmentID) throws(DepotError) -> Bool {
        assertOnLog()
        try checkWritable()
        guard try files.presence(of: segment.number) == .gone,
            state.withLock({ $0.segments.segment(segment) != nil })
        else { return false }
        try folder.checkIsThere()
        try requireMerged(segment)
        let lost = try liveCopies(
            of: segment, from: 0, limit: configuration.segmentMembersMax
        ).map(\.id)
        try keepSequence(of: segment.number)
        try index.beginRemoval(of: segment.number)
        try index.clearBad(lost)
        state.withLock { $0.segmentVanished(segment.number, losing: lost) }
        files.forget(segment.number)
        try index.endRemoval(of: segment.number)
        logger.warning(
            "forgot a segment whose file is gone",
            metadata: ["segment": "\(segment.number)", "copies": "\(lost.count)"])
        return true
    }

    /// Has the index merge a segment before the segment goes: afterwards it must not.
    ///
    /// - Throws: `busy` where the index cannot merge it now.
    func requireMerged(_ segment: SegmentID) throws(DepotError) {
        try mergeSealed()
        guard !state.withLock({ $0.segments.isUnmerged(segment.number) }) else {
            throw DepotError(
                .busy, "the index lags behind; try again later",
                object: SegmentFile.name(segment.number))
        }
    }
}
