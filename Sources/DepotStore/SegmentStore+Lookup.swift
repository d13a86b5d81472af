import DepotCore

extension SegmentStore {
    /// Where the live copies are. Of what the index says only that counts which the header in front confirms.
    func locate(_ ids: [ObjectID]) throws(DepotError) -> [ObjectID: Location] {
        try look(for: ids).found
    }

    /// What a look has found.
    struct Look {
        var found: [ObjectID: Location] = [:]
        /// What memory knew nothing of, so that the index was asked, and which of these it lists, confirmed or not.
        var asked: Set<ObjectID> = []
        var listed: Set<ObjectID> = []
    }

    func look(for ids: [ObjectID]) throws(DepotError) -> Look {
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
        try dropVanished(&found)
        guard !rest.isEmpty else { return Look(found: found) }
        let places = try index.find(rest)
        for (number, rows) in Dictionary(grouping: places, by: \.value.segment) {
            let (nonce, dying) = state.withLock { ($0.segments[number]?.nonce, $0.dying) }
            guard let nonce, let (file, bytes) = try files.find(number) else { continue }
            for (id, row) in rows where !dying.contains(id) {
                let location = Location(
                    segment: number, nonce: nonce, offset: row.offset, length: row.length)
                if location.contentEnd <= bytes, confirms(location, id, file) {
                    found[id] = location
                }
            }
        }
        // The index takes a segment in between two looks: what is nowhere now was in memory before, or is now.
        state.withLock { state in
            for id in rest where found[id] == nil { found[id] = state.recentLocation(id) }
        }
        return Look(found: found, asked: Set(rest), listed: Set(places.keys))
    }

    /// Those that the count of chunks has in it: whatever is listed, be it with a damaged header.
    func counted(_ ids: [ObjectID]) throws(DepotError) -> Set<ObjectID> {
        let listed = try index.find(ids).keys
        return state.withLock { state in
            Set(listed).subtracting(state.dead).union(ids.filter { state.recent[$0] != nil })
        }
    }

    /// Memory knows of copies, not of files that went.
    private func dropVanished(_ found: inout [ObjectID: Location]) throws(DepotError) {
        for number in Set(found.values.map(\.segment)) {
            let bytes = try files.find(number)?.bytes ?? 0
            found = found.filter { $0.value.segment != number || $0.value.contentEnd <= bytes }
        }
    }

    /// A header that cannot be read confirms nothing.
    private func confirms(_ location: Location, _ id: ObjectID, _ file: SegmentFile) -> Bool {
        do {
            let header = try file.header(at: location.offset, nonce: location.nonce)
            return header?.path.objectID == id && header?.length == location.length
        } catch {
            logger.warning(
                "a header cannot be read",
                metadata: ["offset": "\(location.offset)", "why": "\(error)"])
            return false
        }
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
                guard let file = try self.files.found(location.segment) else {
                    objects.append(nil)
                    continue
                }
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
            // What is not there does not show; so a page of the index may be less than a page here.
            var presences: [UInt32: Bool] = [:]
            var cursor = after
            while entries.count < limit {
                let page = try self.index.page(after: cursor, limit: limit)
                for entry in page where !gone.contains(entry.id) {
                    if try self.isThere(entry.segment, &presences) { entries[entry.id] = entry }
                }
                guard page.count == limit, let last = page.last else { break }
                cursor = last.id
            }
            for (id, location) in recent where !gone.contains(id) {
                guard try self.isThere(location.segment, &presences) else { continue }
                entries[id] = InventoryEntry(
                    id: id, length: location.length, segment: location.segment)
            }
            return Array(entries.values.sorted { $0.id < $1.id }.prefix(limit))
        }
    }

    private func isThere(
        _ number: UInt32, _ known: inout [UInt32: Bool]
    ) throws(DepotError) -> Bool {
        if let isThere = known[number] { return isThere }
        var isThere = false
        if case .there = try files.presence(of: number) { isThere = true }
        known[number] = isThere
        return isThere
    }
}
