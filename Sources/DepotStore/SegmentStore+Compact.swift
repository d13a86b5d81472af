import DepotCore
import NIOCore

// What is live in a segment is hashed, appended to the open one and made durable, as if it had just been put; then the
// file goes. At every instant each live copy is durable in one place or in two, and since the last copy in log order
// counts, a crash in the middle leaves nothing to decide. A deletion under way stays under way: moving a copy is
// neither putting nor finding it.
extension SegmentStore {
    /// Members that are moved at once: bounds memory, and how long others wait for the log.
    private static let batchBytes = 8 << 20
    private static let batchMembers = 256

    typealias Copy = (id: ObjectID, location: Location)

    public func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        try checkWritable()
        let bytes = try sealedBytes(of: segment)
        let isForgotten = try await onLog { () throws(DepotError) in
            try self.failing { () throws(DepotError) in try self.forgetVanished(segment) }
        }
        if isForgotten {
            return CompactionReport(movedCopies: 0, movedBytes: 0, freedBytes: 0, pinnedBy: [])
        }
        var moved = (copies: 0, bytes: UInt64(0))
        var pinned: [Copy] = []
        var offset: UInt64 = 0
        while true {
            let from = offset
            let batch = try await onReader { () throws(DepotError) in
                try self.readBatch(segment, from: from)
            }
            pinned += batch.bad
            if !batch.objects.isEmpty {
                let done = try await onLog { () throws(DepotError) in
                    try self.move(batch.objects)
                }
                moved.copies += done.copies
                moved.bytes += done.bytes
            }
            guard let next = batch.next else { break }
            offset = next
        }
        let needed = state.withLock { $0.appended }
        try await pass(needed)
        let bad = pinned
        let (isGone, misplaced) = try await onLog { () throws(DepotError) in
            let misplaced = try self.misplaced(in: segment)
            let isGone = try self.failing { () throws(DepotError) in
                try self.remove(segment, keptBy: bad, misplaced)
            }
            return (isGone, misplaced)
        }
        // Two compactions may meet: what one finds no more, the other has moved.
        let isThere = state.withLock { $0.segments[segment.number]?.nonce == segment.nonce }
        return CompactionReport(
            movedCopies: moved.copies, movedBytes: moved.bytes, freedBytes: isGone ? bytes : 0,
            pinnedBy: isThere ? pinned.map(\.id) + misplaced : [])
    }

    private func sealedBytes(of segment: SegmentID) throws(DepotError) -> UInt64 {
        let (sealed, isOpen) = state.withLock { state in
            (
                state.segments[segment.number],
                SegmentID(number: state.segment, nonce: state.nonce) == segment && state.end > 0
            )
        }
        if isOpen {
            throw DepotError(
                .conflict, "this segment is being written to",
                object: SegmentFile.name(segment.number))
        }
        guard let sealed, sealed.nonce == segment.nonce else {
            throw DepotError(
                .notFound, "there is no such segment, or it was compacted",
                object: SegmentFile.name(segment.number))
        }
        return sealed.bytes
    }

    private struct Batch: Sendable {
        var objects: [(object: VerifiedObject, location: Location)] = []
        var bad: [Copy] = []
        var next: UInt64?
    }

    /// Reads live members and hashes them.
    private func readBatch(
        _ segment: SegmentID, from offset: UInt64
    ) throws(DepotError) -> Batch {
        let membersMax = min(Self.batchMembers, configuration.segmentMembersMax)
        let live = try liveCopies(of: segment, from: offset, limit: membersMax + 1)
        var batch = Batch()
        guard let first = live.first else { return batch }
        let taken = live.prefix(membersMax).prefix { copy in
            copy.location.end - first.location.offset <= UInt64(Self.batchBytes)
                || copy.location == first.location
        }
        if taken.count < live.count { batch.next = live[taken.count].location.offset }
        let reader = try files.reader(segment.number)
        for copy in taken {
            // What looks bad is read a second time before it is called so.
            if let reader, let object = Self.read(copy, reader) ?? Self.read(copy, reader) {
                batch.objects.append((object, copy.location))
            } else {
                batch.bad.append(copy)
            }
        }
        return batch
    }

    func liveCopies(
        of segment: SegmentID, from offset: UInt64, limit: Int
    ) throws(DepotError) -> [Copy] {
        var copies: [Copy] = []
        var from = offset
        var isLast = false
        // Of a page any number may lie elsewhere by now, which says nothing of those behind it.
        while copies.count < limit, !isLast {
            let (rows, next) = try index.live(in: segment.number, from: from, limit: limit)
            isLast = next == nil
            from = next ?? from
            let (recent, dead) = state.withLock { ($0.recent, $0.dead) }
            for row in rows where recent[row.id] == nil && !dead.contains(row.id) {
                let location = Location(
                    segment: segment.number, nonce: segment.nonce, offset: row.offset,
                    length: row.length)
                copies.append((row.id, location))
            }
        }
        state.withLock { state in
            copies.removeAll { state.recent[$0.id] != nil || state.dead.contains($0.id) }
            for (id, location) in state.recent
            where location.segment == segment.number && location.offset >= offset {
                copies.append((id, location))
            }
        }
        return Array(copies.sorted { $0.location.offset < $1.location.offset }.prefix(limit))
    }

    private static func read(_ copy: Copy, _ reader: ColdReader) -> VerifiedObject? {
        let location = copy.location
        do {
            let found = try reader.withBytes(
                at: location.offset, count: MemberHeader.size + location.length
            ) { bytes -> ByteBuffer? in
                guard bytes.count == MemberHeader.size + location.length,
                    let header = MemberHeader(bytes, at: location.offset, nonce: location.nonce),
                    header.path.objectID == copy.id
                else { return nil }
                return ByteBuffer(bytes: bytes[MemberHeader.size...])
            }
            guard let found else { return nil }
            var verifier = try ObjectVerifier(expecting: copy.id, length: location.length)
            verifier.append(found)
            return try verifier.finish()
        } catch {
            return nil
        }
    }

    /// Appends those that are still the live ones. On the log's thread, where nothing else changes that.
    private func move(
        _ objects: [(object: VerifiedObject, location: Location)]
    ) throws(DepotError) -> (copies: Int, bytes: UInt64) {
        try checkWritable()
        let look = try look(for: objects.map(\.object.id))
        let still = objects.filter { look.found[$0.object.id] == $0.location }.map(\.object)
        guard !still.isEmpty else { return (0, 0) }
        var named: [(path: MemberPath, object: VerifiedObject)] = []
        for object in still { named.append((try MemberPath(object), object)) }
        try appendBatch(named, after: look, isCompaction: true)
        return (still.count, UInt64(SegmentWriter.space(still)))
    }

    /// What damaged rows of the index name may lie in the segment, unless it was put again since.
    private func misplaced(in segment: SegmentID) throws(DepotError) -> [ObjectID] {
        let named = try index.misplaced(in: segment.number)
        return state.withLock { state in
            named.filter { state.recent[$0] == nil && !state.dead.contains($0) }
        }
    }

    /// Unlinks a segment in which nothing is live any more.
    ///
    /// - Returns: whether it is gone.
    private func remove(
        _ segment: SegmentID, keptBy bad: [Copy], _ misplaced: [ObjectID]
    ) throws(DepotError) -> Bool {
        try checkWritable()
        // Where they lay when they were read: what was put again since lies elsewhere, and is not bad.
        try note(bad.map(\.id), [], Dictionary(bad.map { ($0.id, $0.location) }) { $1 })
        guard try liveCopies(of: segment, from: 0, limit: 1).isEmpty, misplaced.isEmpty else {
            return false
        }
        guard let file = try files.find(segment.number)?.file else { return false }
        try SegmentRecovery(folder: folder, logger: logger)
            .setAsideUnknown(of: file, nonce: segment.nonce)
        try index.beginRemoval(of: segment.number)
        state.withLock { state in
            let gone = state.segments.removeValue(forKey: segment.number)
            state.sealedBytes -= gone?.bytes ?? 0
        }
        files.forget(segment.number)
        try configuration.operations.unlink(file.path)
        try configuration.operations.syncFolder(folder.segments)
        try index.endRemoval(of: segment.number)
        return true
    }
}
