import DepotCore

extension SegmentStore {
    /// Where the live copies are. Of what the index says only that counts which the header in front confirms.
    func locate(_ ids: [ObjectID]) throws(DepotError) -> [ObjectID: Location] {
        var found: [ObjectID: Location] = [:]
        var rest: [ObjectID] = []
        state.withLock { state in
            for id in ids where !state.dying.contains(id) {
                if let location = state.recent[id] {
                    found[id] = location
                } else if !state.dead.contains(id) {
                    rest.append(id)
                }
            }
        }
        guard !rest.isEmpty else { return found }
        for (id, row) in try index.find(rest) {
            let nonce = state.withLock {
                $0.dying.contains(id) ? nil : $0.segments[row.segment]?.nonce
            }
            guard let nonce else { continue }
            let location = Location(
                segment: row.segment, nonce: nonce, offset: row.offset, length: row.length)
            if try confirms(location, id) { found[id] = location }
        }
        // The index takes a segment in between two looks: what is nowhere now was in memory before, or is now.
        state.withLock { state in
            for id in rest where found[id] == nil { found[id] = state.recentLocation(id) }
        }
        return found
    }

    /// Those that the count of chunks has in it: whatever is listed, be it with a damaged header.
    func counted(_ ids: [ObjectID]) throws(DepotError) -> Set<ObjectID> {
        let listed = try index.find(ids).keys
        return state.withLock { state in
            Set(listed).subtracting(state.dead).union(ids.filter { state.recent[$0] != nil })
        }
    }

    private func confirms(_ location: Location, _ id: ObjectID) throws(DepotError) -> Bool {
        let header = try files.file(location.segment).header(
            at: location.offset, nonce: location.nonce)
        return header?.path.objectID == id && header?.length == location.length
    }

    public func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        try await onReader { () throws(DepotError) in
            let locations = try self.locate(ids)
            var objects: [StoredObject?] = []
            for id in ids {
                guard let location = locations[id] else {
                    objects.append(nil)
                    continue
                }
                let file = try self.files.file(location.segment)
                let extent = FileExtent(
                    descriptor: file.descriptor, offset: Int64(location.contentOffset),
                    length: location.length, owner: file)
                objects.append(StoredObject(id: id, length: location.length, bytes: .file(extent)))
            }
            return objects
        }
    }

    public func inventory(
        after: ObjectID?, limit: Int
    ) async throws(DepotError) -> [InventoryEntry] {
        guard limit > 0 else { throw DepotError(.invalidArgument, "a page has at least one entry") }
        return try await onReader { () throws(DepotError) in
            // Memory first: what the index takes in meanwhile then shows twice rather than not at all.
            let (recent, gone) = self.state.withLock { state in
                (
                    state.recent.filter { $0.key > after ?? $0.key || after == nil },
                    state.dying.union(state.dead)
                )
            }
            var entries: [ObjectID: InventoryEntry] = [:]
            for entry in try self.index.page(after: after, limit: limit + gone.count)
            where !gone.contains(entry.id) {
                entries[entry.id] = entry
            }
            for (id, location) in recent where !gone.contains(id) {
                entries[id] = InventoryEntry(
                    id: id, length: location.length, segment: location.segment)
            }
            return Array(entries.values.sorted { $0.id < $1.id }.prefix(limit))
        }
    }
}
