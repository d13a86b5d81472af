import DepotCore

// Files go under a running store: somebody removes them, a disk is wiped. What is then only in memory and in the index
// must not count as held; it has to be seen, and put again. So lookups ask for the file once a segment, a barrier
// asks for the open one, and here is what happens to a segment whose file is gone.
extension SegmentStore {
    /// Goes on without the open segment, whose file is gone; what was in it is absent. On the log's thread.
    func abandon(_ number: UInt32) throws(DepotError) {
        guard state.withLock({ $0.segment == number && $0.file != nil }) else { return }
        try failing { () throws(DepotError) in
            try folder.checkIsThere()
            // What was moved or put again is, with this one gone, again where it was: the index has to know that place.
            try mergeSealed()
            guard unmerged.withLock({ $0.isEmpty }) else {
                throw DepotError(
                    .storeFailed,
                    "the open segment's file is gone, and the index lags behind; restart the replica",
                    object: SegmentFile.name(number))
            }
            let lost = state.withLock { state in
                state.recent.filter { $0.value.segment == number }.map(\.key)
            }
            let listed = try index.find(lost).keys
            writer.withLock { $0 = nil }
            files.forget(number)
            let bad = state.withLock { state in
                for id in lost {
                    state.recent[id] = nil
                    if id.kind == .chunk, !listed.contains(id) { state.chunks -= 1 }
                }
                if state.recent.isEmpty { state.dead = [] }
                let bad = state.healing.intersection(listed)
                state.bad.formUnion(bad)
                state.leave(number)
                return Array(bad)
            }
            try index.markBad(bad)
            logger.critical(
                "the open segment's file is gone, with all that was in it",
                metadata: ["segment": "\(number)", "copies": "\(lost.count)"])
        }
    }

    /// Takes a sealed segment whose file is gone out of the index. What was live in it is absent already. On the log's
    /// thread.
    ///
    /// - Returns: whether it is gone.
    func forgetVanished(_ segment: SegmentID) throws(DepotError) -> Bool {
        try checkWritable()
        guard try files.presence(of: segment.number) == .gone,
            state.withLock({ $0.segments[segment.number]?.nonce == segment.nonce })
        else { return false }
        try folder.checkIsThere()
        guard !unmerged.withLock({ $0.contains { $0.segment.number == segment.number } }) else {
            throw DepotError(
                .busy, "the index lags behind; try again later",
                object: SegmentFile.name(segment.number))
        }
        let lost = try liveCopies(
            of: segment, from: 0, limit: configuration.segmentMembersMax
        ).map(\.id)
        try index.beginRemoval(of: segment.number)
        try index.clearBad(lost)
        state.withLock { state in
            state.bad.subtract(lost)
            state.chunks -= lost.count { $0.kind == .chunk }
            let gone = state.segments.removeValue(forKey: segment.number)
            state.sealedBytes -= gone?.bytes ?? 0
        }
        files.forget(segment.number)
        try index.endRemoval(of: segment.number)
        logger.warning(
            "forgot a segment whose file is gone",
            metadata: ["segment": "\(segment.number)", "copies": "\(lost.count)"])
        return true
    }
}
