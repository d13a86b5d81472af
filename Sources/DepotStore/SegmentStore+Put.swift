import DepotCore

extension SegmentStore {
    public func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        var paths: [(path: MemberPath, object: VerifiedObject)] = []
        for object in objects { paths.append((try MemberPath(object), object)) }
        let named = paths
        try await onLog { () throws(DepotError) in
            try self.checkWritable()
            let (missing, lookup) = try self.missing(named)
            try self.append(missing, after: lookup)
        }
    }

    /// The objects of which no whole copy is here, each once. All objects are spared from a
    /// deletion under way.
    private func missing(
        _ objects: [(path: MemberPath, object: VerifiedObject)]
    ) throws(DepotError) -> (
        objects: [(path: MemberPath, object: VerifiedObject)], lookup: Lookup
    ) {
        assertOnLog()
        let ids = objects.map(\.object.id)
        let bad = state.withLock { state in
            state.spared(ids)
            return state.quarantine.objects
        }
        let lookup = try lookUp(ids)
        var held = Set(lookup.found.keys).subtracting(bad)
        return (objects.filter { held.insert($0.object.id).inserted }, lookup)
    }

    private func append(
        _ objects: [(path: MemberPath, object: VerifiedObject)], after lookup: Lookup
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
            assert(!taken.isEmpty, "a batch of nothing")
            rest = rest.dropFirst(taken.count)
            let areRecords = taken.allSatisfy { $0.object.id.kind == .record }
            try appendBatch(Array(taken), after: lookup, for: areRecords ? .records : .content)
        }
    }

    /// - Parameter lookup: of these objects; the log's thread has appended none of them since.
    func appendBatch(
        _ objects: [(path: MemberPath, object: VerifiedObject)], after lookup: Lookup,
        for purpose: SegmentPurpose
    ) throws(DepotError) {
        try failing { () throws(DepotError) in
            let space = SegmentWriter.space(objects.map(\.object))
            try makeRoom(bytes: space, members: objects.count, for: purpose)
            // The index is asked before anything is written: so nothing can fail between the write
            // and the memtable's entry.
            let listed = try listed(objects.map(\.object.id), after: lookup)
            let durable = state.withLock { $0.log.durable.offset }
            assert(isAtLogEnd(), "the writer is elsewhere than the log ends")
            let result = writer.withLock { writer -> Result<[SegmentMember], DepotError> in
                do throws(DepotError) {
                    guard let added = try writer?.append(objects, durable: durable) else {
                        preconditionFailure("no segment is open though room was made in one")
                    }
                    return .success(added)
                } catch {
                    return .failure(error)
                }
            }
            let added = try result.get()
            assert(added.count == objects.count, "an object was appended twice, or not at all")
            state.withLock { $0.appended(added, listed: listed) }
            assert(isAtLogEnd(), "the writer is elsewhere than the log ends")
        }
    }

    /// The objects that the index lists now, and maybe others that it listed before.
    private func listed(
        _ ids: [ObjectID], after lookup: Lookup
    ) throws(DepotError) -> Set<ObjectID> {
        // An object that the memtable had then may have been merged since; only about such objects
        // the index has to be asked again.
        let unsure = ids.filter { !lookup.asked.contains($0) }
        return unsure.isEmpty ? lookup.listed : try lookup.listed.union(index.find(unsure).keys)
    }
}
