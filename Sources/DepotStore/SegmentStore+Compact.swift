import DepotCore
import NIOCore

// A segment's live copies are hashed, appended to the open segment and made durable, as if they had
// just been put. Then the segment's file goes. At every instant each live copy is durable in one
// place or in two; since the last copy in log order counts, a crash in the middle leaves nothing to
// decide. A move neither puts nor vouches, so it spares no object from a deletion under way.
extension SegmentStore {
    /// Members that are moved at once. This bounds the memory, and how long others wait for the
    /// log.
    private static let batchBytes = 8 << 20
    private static let batchMembers = 256

    typealias Copy = (id: ObjectID, location: Location)

    public func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        try checkWritable()
        try await sealIfOpen(segment)
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
        let needed = state.withLock { $0.log.appended }
        try await pass(needed)
        let bad = pinned
        let (isGone, misplaced) = try await onLog { () throws(DepotError) in
            let misplaced = try self.misplaced(in: segment)
            let isGone = try self.failing { () throws(DepotError) in
                try self.remove(segment, keptBy: bad, misplaced)
            }
            return (isGone, misplaced)
        }
        // Two compactions of one segment may meet: then one moves what the other does not find any
        // more.
        let isThere = state.withLock { $0.segments.segment(segment) != nil }
        return CompactionReport(
            movedCopies: moved.copies, movedBytes: moved.bytes, freedBytes: isGone ? bytes : 0,
            pinnedBy: isThere ? pinned.map(\.id) + misplaced : [])
    }

    /// On a small disk the open segment may be the only one, and its dead copies fill the disk.
    private func sealIfOpen(_ segment: SegmentID) async throws(DepotError) {
        try await onLog { () throws(DepotError) in
            let isOpen = self.state.withLock { $0.log.begun == segment }
            if isOpen { try self.sealOpenSegment() }
        }
    }

    private func sealedBytes(of segment: SegmentID) throws(DepotError) -> UInt64 {
        guard let sealed = state.withLock({ $0.segments.segment(segment) }) else {
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
            // A copy that looks bad is read a second time before it is called so.
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
        // Every copy of a page may have been shadowed meanwhile. That says nothing of the pages
        // behind it.
        while copies.count < limit, !isLast {
            let (rows, next) = try index.live(in: segment.number, from: from, limit: limit)
            isLast = next == nil
            from = next ?? from
            state.withLock { state in
                for row in rows where !state.memtable.overrides(row.id) {
                    let location = Location(
                        segment: segment.number, nonce: segment.nonce, offset: row.offset,
                        length: row.length)
                    copies.append((row.id, location))
                }
            }
        }
        state.withLock { state in
            copies.removeAll { state.memtable.overrides($0.id) }
            copies += state.memtable.copies(in: segment.number, at: offset..<UInt64.max)
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

    /// Appends the objects whose copy is still the live one. On the log's thread, where nothing
    /// else can change which one is live.
    private func move(
        _ objects: [(object: VerifiedObject, location: Location)]
    ) throws(DepotError) -> (copies: Int, bytes: UInt64) {
        assertOnLog()
        try checkWritable()
        let lookup = try lookUp(objects.map(\.object.id))
        let still = objects.filter { lookup.found[$0.object.id] == $0.location }.map(\.object)
        guard !still.isEmpty else { return (0, 0) }
        var named: [(path: MemberPath, object: VerifiedObject)] = []
        for object in still { named.append((try MemberPath(object), object)) }
        try appendBatch(named, after: lookup, for: .compaction)
        return (still.count, UInt64(SegmentWriter.space(still)))
    }
}
