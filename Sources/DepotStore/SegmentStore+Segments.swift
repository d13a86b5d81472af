import DepotCore
import Glibc

// One segment is open, and takes whatever is appended. When a batch does not fit it any more, the
// segment gets its ending, the index merges it, and the next segment is opened. A full disk shows
// when a segment is opened: its space is set aside before any byte is accepted.

extension SegmentStore {
    /// Sees to it that a segment is open which a batch fits: the open one, or else a new one.
    ///
    /// - Throws: `storageFull`.
    func makeRoom(
        bytes: Int, members: Int, for purpose: SegmentPurpose
    ) throws(DepotError) {
        assertOnLog()
        let fits = writer.withLock { writer in
            writer.map {
                $0.fits(bytes: bytes, members: members, for: purpose)
                    && $0.members.count + members <= configuration.segmentMembersMax
            }
        }
        if fits == true { return }
        let need = UInt64(bytes + SegmentEnding.sizeMax(members: members))
        // A put that is refused must not seal a segment of the reserve each time: their endings
        // would use the reserve up.
        let isReserved = writer.withLock { $0?.purpose != .content }
        if fits == false, isReserved { _ = try room(for: need, purpose) }
        if fits == false { try sealOpenSegment() }
        try mergeSealed()
        try openSegment(for: need, purpose)
    }

    /// The room for a new segment of at least so many bytes, and what may be put into it.
    ///
    /// - Throws: `storageFull`.
    private func room(
        for need: UInt64, _ purpose: SegmentPurpose
    ) throws(DepotError) -> (bytes: UInt64, purpose: SegmentPurpose) {
        let used = state.withLock { $0.segments.bytes }
        let onDisk = try folder.space().free
        let free = free(used: used, onDisk)
        if free >= need { return (free, .content) }
        let reserved = purpose.room(for: need, onDisk: onDisk, reserve: reserve)
        guard reserved >= need else {
            throw DepotError(
                .storageFull,
                "\(need) bytes are wanted, \(max(free, reserved)) can be written; nothing was "
                    + "written",
                object: folder.path)
        }
        return (reserved, purpose)
    }

    private func openSegment(
        for need: UInt64, _ purpose: SegmentPurpose
    ) throws(DepotError) {
        assertOnLog()
        let number = state.withLock { $0.log.number }
        let (free, opened) = try room(for: need, purpose)
        guard number <= SegmentID.numberMax else {
            throw folder.isAtItsEnd("there is no number behind segment \(SegmentID.numberMax)")
        }
        let nonce = UInt64.random(in: 1 ... .max)
        let id = SegmentID(number: number, nonce: nonce)
        try changeIdentity { $0.segmentNewest = id }
        assert(free >= need, "a segment is opened without room for what it is opened for")
        let file = try SegmentFile.create(
            in: folder.segments, number: number, configuration.operations)
        do throws(DepotError) {
            let room = try setAside(min(max(segmentSize, need), free), atLeast: need, file)
            try configuration.operations.syncFolder(folder.segments)
            let fresh = SegmentWriter(
                file: file, nonce: nonce, room: room, purpose: opened,
                direct: DirectWriter(
                    file, from: configuration.directSizeMin, configuration.operations),
                operations: configuration.operations)
            writer.withLock { $0 = fresh }
        } catch {
            let removal = configuration.operations.perform(.unlink(path: file.path))
            // An empty file stays until the next start, and its number is used up.
            if removal.result != 0 { state.withLock { $0.skipped() } }
            throw error
        }
        state.withLock { $0.opened(file, as: id) }
        assert(isAtLogEnd(), "the writer is elsewhere than the log ends")
    }

    /// Whether the writer would append where the state says that the log ends.
    func isAtLogEnd() -> Bool {
        let written = writer.withLock { $0.map { ($0.file.number, $0.end) } }
        return state.withLock { state in
            written.map { $0 == (state.log.number, state.log.end) } ?? (state.log.open == nil)
        }
    }

    /// Sets disk space aside, so that a full disk shows now and not in the middle of a chunk.
    private func setAside(
        _ wanted: UInt64, atLeast need: UInt64, _ file: SegmentFile
    ) throws(DepotError) -> UInt64 {
        assert(wanted >= need, "less is set aside than is needed")
        var size = wanted
        while true {
            let (result, code) = configuration.operations.perform(
                .allocate(descriptor: file.descriptor, size: Int64(size)))
            if result == 0 || code == EOPNOTSUPP { return size }
            guard code == ENOSPC || code == EDQUOT, size > need else {
                throw .system("cannot set space aside", file.path, errno: code)
            }
            size = max(need, size / 2)
        }
    }

    /// Seals the open segment, if one is open and holds something.
    func sealOpenSegment() throws(DepotError) {
        assertOnLog()
        let durable = state.withLock { $0.log.durable.offset }
        let outcome = syncing.withLock { _ -> Result<SealedSegment?, DepotError> in
            // After a sync that failed no later one may report success.
            if let failure = state.withLock({ $0.failure }) { return .failure(failure) }
            return writer.withLock { writer in
                guard var open = writer else { return .success(nil) }
                let end = open.end
                do throws(DepotError) {
                    try open.seal(durable: durable)
                } catch {
                    return .failure(error)
                }
                let endingMax = UInt64(SegmentEnding.sizeMax(members: open.members.count))
                assert(open.end - end <= endingMax, "an ending is longer than the room kept for it")
                writer = nil
                let id = SegmentID(number: open.file.number, nonce: open.nonce)
                return .success(
                    SealedSegment(
                        segment: SegmentRecovery.describe(id, bytes: open.end, open.members),
                        members: open.members, damaged: []))
            }
        }
        try failing { () throws(DepotError) in
            guard let sealed = try outcome.get() else { return }
            let file = state.withLock { $0.log.file }
            if let file, try !isThere(file, bytes: sealed.segment.bytes) {
                return try abandon(sealed.segment.number)
            }
            state.withLock { $0.sealed(sealed) }
            try mergeSealed()
        }
    }

    /// Has the index merge what was sealed. Where it cannot, the memtable keeps it, and the next
    /// call tries again.
    func mergeSealed() throws(DepotError) {
        assertOnLog()
        while let sealed = state.withLock({ $0.segments.unmerged.first }) {
            let bad = state.withLock { $0.quarantine.objects }
            do throws(DepotError) {
                try index.merge(sealed.segment, sealed.members)
                let healed = try index.bad().subtracting(bad)
                    .intersection(sealed.members.compactMap(\.path.objectID))
                try index.clearBad(Array(healed))
            } catch {
                logger.warning("the index lags behind", metadata: ["why": "\(error)"])
                return
            }
            state.withLock { $0.merged(sealed.segment.number) }
        }
    }
}
