import DepotCore
import Glibc

extension SegmentStore {
    public func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        var paths: [(path: MemberPath, object: VerifiedObject)] = []
        for object in objects { paths.append((try MemberPath(object), object)) }
        let named = paths
        try await onLog { () throws(DepotError) in
            try self.checkWritable()
            let (missing, look) = try self.missing(named)
            try self.append(missing, look)
        }
    }

    /// Those that are not here whole, each once. All of them are safe from a deletion under way.
    private func missing(
        _ objects: [(path: MemberPath, object: VerifiedObject)]
    ) throws(DepotError) -> (objects: [(path: MemberPath, object: VerifiedObject)], look: Look) {
        let ids = objects.map(\.object.id)
        let bad = state.withLock { state in
            for id in ids { state.condemned[id] = nil }
            return state.bad
        }
        let look = try look(for: ids)
        var held = Set(look.found.keys).subtracting(bad)
        return (objects.filter { held.insert($0.object.id).inserted }, look)
    }

    private func append(
        _ objects: [(path: MemberPath, object: VerifiedObject)], _ look: Look
    ) throws(DepotError) {
        var rest = objects[...]
        while !rest.isEmpty {
            // A batch takes at most half a segment, so that little is left unused at its end.
            var bytes: UInt64 = 0
            let batch = rest.prefix(configuration.segmentMembersMax).prefix { entry in
                bytes += UInt64(SegmentWriter.space([entry.object]))
                return bytes <= segmentSize / 2
            }
            let taken = batch.isEmpty ? rest.prefix(1) : batch
            rest = rest.dropFirst(taken.count)
            try appendBatch(Array(taken), after: look)
        }
    }

    /// - Parameters:
    ///   - look: what was found of them since the log's thread began with what it is doing.
    ///   - isCompaction: may use the reserve, since it gives back more than it takes.
    func appendBatch(
        _ objects: [(path: MemberPath, object: VerifiedObject)], after look: Look,
        isCompaction: Bool = false
    ) throws(DepotError) {
        try failing { () throws(DepotError) in
            let space = SegmentWriter.space(objects.map(\.object))
            try makeRoom(bytes: space, members: objects.count, isCompaction: isCompaction)
            let durable = state.withLock { $0.synced }
            let result = writer.withLock { writer -> Result<[SegmentMember], DepotError> in
                do throws(DepotError) {
                    guard let added = try writer?.append(objects, durable: durable) else {
                        throw DepotError(.internalError, "no segment is open")
                    }
                    return .success(added)
                } catch {
                    return .failure(error)
                }
            }
            try take(result.get(), look)
        }
    }

    private func take(_ members: [SegmentMember], _ look: Look) throws(DepotError) {
        let ids = members.compactMap(\.path.objectID)
        // The index may have taken in since what memory knew then, and nothing else.
        let unsure = ids.filter { !look.asked.contains($0) }
        let listed =
            unsure.isEmpty ? look.listed : try look.listed.union(index.find(unsure).keys)
        guard let nonce = writer.withLock({ $0?.nonce }) else { return }
        state.withLock { state in
            state.again.formUnion(listed.intersection(ids))
            for member in members {
                guard let id = member.path.objectID else { continue }
                let isKnown = state.recent[id] != nil || listed.contains(id)
                let location = Location(
                    segment: state.segment, nonce: nonce, offset: member.offset,
                    length: member.length)
                state.recent[id] = location
                state.dead.remove(id)
                state.end = location.end
                state.note(member.path.sequence)
                if id.kind == .chunk, !isKnown { state.chunks += 1 }
            }
            // The index learns of it when the segment is sealed, and durable.
            let healed = state.bad.intersection(ids)
            state.bad.subtract(healed)
            state.healing.formUnion(healed)
        }
    }

    // MARK: Segments

    private func makeRoom(
        bytes: Int, members: Int, isCompaction: Bool
    ) throws(DepotError) {
        let fits = writer.withLock { writer in
            writer.map {
                $0.fits(bytes: bytes, members: members)
                    && $0.members.count + members <= configuration.segmentMembersMax
            }
        }
        if fits == true { return }
        if fits == false { try sealOpenSegment() }
        try mergeSealed()
        try openSegment(
            for: UInt64(bytes + SegmentEnding.sizeMax(members: members)),
            isCompaction: isCompaction)
    }

    private func openSegment(for need: UInt64, isCompaction: Bool) throws(DepotError) {
        let (number, used) = state.withLock { ($0.segment, $0.sealedBytes) }
        let onDisk = try folder.space().free
        var free = free(used: used, onDisk)
        // Of the reserve it takes what it needs and no more, so that others find nothing there.
        if isCompaction, free < need { free = min(need, onDisk) }
        guard free >= need else {
            throw DepotError(
                .storageFull,
                "\(need) bytes are wanted, \(free) can be written; nothing was written",
                object: folder.path)
        }
        let nonce = UInt64.random(in: 1 ... .max)
        try changeIdentity { $0.segmentNewest = SegmentID(number: number, nonce: nonce) }
        let file = try SegmentFile.create(
            in: folder.segments, number: number, configuration.operations)
        do throws(DepotError) {
            let room = try setAside(min(max(segmentSize, need), free), atLeast: need, file)
            try configuration.operations.syncFolder(folder.segments)
            let fresh = SegmentWriter(
                file: file, nonce: nonce, room: room,
                operations: configuration.operations)
            writer.withLock { $0 = fresh }
        } catch {
            let removal = configuration.operations.perform(.unlink(path: file.path))
            // An empty file stays until the next start, and its number is used up.
            if removal.result != 0 { state.withLock { $0.segment = number + 1 } }
            throw error
        }
        state.withLock { state in
            state.file = file
            state.nonce = nonce
            state.end = 0
            state.synced = 0
        }
    }

    /// Sets disk space aside, so that a full disk shows now and not in the middle of a chunk.
    private func setAside(
        _ wanted: UInt64, atLeast need: UInt64, _ file: SegmentFile
    ) throws(DepotError) -> UInt64 {
        var size = wanted
        while true {
            let (result, code) = configuration.operations.perform(
                .allocate(descriptor: file.descriptor, size: Int64(size)))
            if result == 0 || code == EOPNOTSUPP { return size }
            guard code == ENOSPC || code == EDQUOT, size > need else {
                throw .system("cannot set space aside", file.path, code)
            }
            size = max(need, size / 2)
        }
    }

    /// Seals the open segment, if one is open and holds something.
    func sealOpenSegment() throws(DepotError) {
        let durable = state.withLock { $0.synced }
        let outcome = syncing.withLock { _ -> Result<SegmentRecovery.Sealed?, DepotError> in
            // After a sync that failed no other one may say that all is well.
            if let failure = state.withLock({ $0.failure }) { return .failure(failure) }
            return writer.withLock { writer in
                guard var open = writer else { return .success(nil) }
                do throws(DepotError) {
                    try open.seal(durable: durable)
                } catch {
                    return .failure(error)
                }
                writer = nil
                return .success(
                    SegmentRecovery.Sealed(
                        segment: SegmentRecovery.describe(
                            open.file.number, open.nonce, open.end, open.members),
                        members: open.members, damaged: []))
            }
        }
        try failing { () throws(DepotError) in
            guard let sealed = try outcome.get() else { return }
            let file = state.withLock { $0.file }
            if let file, try !isThere(file, bytes: sealed.segment.bytes) {
                return try abandon(sealed.segment.number)
            }
            unmerged.withLock { $0.append(sealed) }
            state.withLock { state in
                state.segments[sealed.segment.number] = sealed.segment
                state.sealedBytes += sealed.segment.bytes
                state.leave(sealed.segment.number)
            }
            try mergeSealed()
        }
    }

    /// Has the index take in what was sealed. Where it cannot, memory keeps it and the next one tries again.
    func mergeSealed() throws(DepotError) {
        while let sealed = unmerged.withLock({ $0.first }) {
            let (dead, bad) = state.withLock { ($0.dead, $0.bad) }
            do throws(DepotError) {
                try index.merge(sealed.segment, sealed.members, dead: dead)
                let healed = try index.bad().subtracting(bad)
                    .intersection(sealed.members.compactMap(\.path.objectID))
                try index.clearBad(Array(healed))
            } catch {
                logger.warning("the index lags behind", metadata: ["why": "\(error)"])
                return
            }
            unmerged.withLock { _ = $0.removeFirst() }
            state.withLock { state in
                state.recent = state.recent.filter { $0.value.segment != sealed.segment.number }
                state.again = state.again.filter { state.recent[$0] != nil }
                // Nothing is left that the index could take in by mistake.
                if state.recent.isEmpty { state.dead = [] }
            }
        }
    }
}
