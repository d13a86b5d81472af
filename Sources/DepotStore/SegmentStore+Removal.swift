import DepotCore

// The end of a compaction: the segment's file goes. It goes only if nothing in it is live, by two
// ways of looking: the index's order of segments, and each member that the segment itself lists.

extension SegmentStore {
    /// Objects that damaged rows of the index name, and that may lie in this segment. An object
    /// that was put again since does not count.
    func misplaced(in segment: SegmentID) throws(DepotError) -> [ObjectID] {
        assertOnLog()
        let named = try index.misplaced(in: segment.number)
        return state.withLock { state in named.filter { !state.memtable.overrides($0) } }
    }

    /// Unlinks a segment in which nothing is live any more.
    ///
    /// - Returns: whether the segment is gone.
    func remove(
        _ segment: SegmentID, keptBy bad: [Copy], _ misplaced: [ObjectID]
    ) throws(DepotError) -> Bool {
        assertOnLog()
        try checkWritable()
        try requireMerged(segment)
        // The places at which they were read: an object that was put again since lies elsewhere,
        // and that copy is not bad.
        let locations = Dictionary(bad.map { ($0.id, $0.location) }) { $1 }
        try remember(bad: bad.map(\.id), good: [], at: locations)
        guard try liveCopies(of: segment, from: 0, limit: 1).isEmpty, misplaced.isEmpty else {
            return false
        }
        guard let file = try files.find(segment.number)?.file else { return false }
        let members = try SegmentRecovery(folder: folder, logger: logger)
            .setAsideUnknown(of: file, nonce: segment.nonce)
        try refuseLive(members, in: segment)
        try keepSequence(of: segment.number)
        try index.beginRemoval(of: segment.number)
        state.withLock { $0.compacted(segment.number) }
        files.forget(segment.number)
        try configuration.operations.unlink(file.path)
        try configuration.operations.syncFolder(folder.segments)
        try index.endRemoval(of: segment.number)
        return true
    }

    /// The live copies were found by the index's order of segments. Before the file goes, each
    /// member that the segment itself lists is looked up by its own key, so that a damaged index
    /// leaves no live copy behind.
    private func refuseLive(
        _ members: [SegmentMember], in segment: SegmentID
    ) throws(DepotError) {
        assertOnLog()
        let rows = try index.find(Set(members.compactMap(\.path.objectID)))
        let live = state.withLock { state in
            rows.filter { id, row in
                row.segment == segment.number && !state.memtable.overrides(id)
            }
        }
        guard let (id, _) = live.first else { return }
        throw DepotError(
            .storeFailed,
            "the replica's index is damaged: \(id.hash) lies in a segment of which it lists "
                + "nothing, and which stays. Stop the replica and delete index.sqlite; it is made "
                + "again from the segments",
            object: SegmentFile.name(segment.number))
    }
}
