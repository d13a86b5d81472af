import DepotCore

extension SegmentStore {
    /// Where the live copies are. A row of the index counts only if the header at its place
    /// confirms it.
    func locate(_ ids: [ObjectID]) throws(DepotError) -> [ObjectID: Location] {
        try lookUp(ids).found
    }

    /// What is known of objects at one moment.
    struct Lookup {
        var found: [ObjectID: Location] = [:]
        /// Objects that the memtable did not know, so that the index was asked.
        var asked: Set<ObjectID> = []
        /// The objects among them that the index lists, whether a header confirms it or not.
        var listed: Set<ObjectID> = []
    }

    func lookUp(_ ids: [ObjectID]) throws(DepotError) -> Lookup {
        var found: [ObjectID: Location] = [:]
        let rest = state.withLock { $0.find(ids, into: &found) }
        try dropVanished(&found)
        guard !rest.isEmpty else { return Lookup(found: found) }
        let places = try index.find(rest)
        for (number, rows) in Dictionary(grouping: places, by: \.value.segment) {
            let (nonce, going) = state.withLock {
                ($0.segments.segment(number)?.nonce, $0.deletions.underWay)
            }
            guard let nonce, let (file, bytes) = try files.find(number) else { continue }
            for (id, row) in rows where !going.contains(id) {
                let location = Location(
                    segment: number, nonce: nonce, offset: row.offset, length: row.length)
                if location.contentEnd <= bytes, confirms(location, of: id, in: file) {
                    found[id] = location
                }
            }
        }
        // An object that was put or moved after the first look at the memtable is in it now.
        state.withLock { state in
            for id in rest where found[id] == nil { found[id] = state.location(of: id) }
        }
        let lookup = Lookup(found: found, asked: Set(rest), listed: Set(places.keys))
        assert(
            lookup.listed.isSubset(of: lookup.asked), "the index found what it was not asked for")
        return lookup
    }

    /// The objects among these that the count of chunks includes: whatever is listed, be it with a
    /// damaged header.
    func counted(_ ids: [ObjectID]) throws(DepotError) -> Set<ObjectID> {
        let listed = try index.find(ids).keys
        return state.withLock { $0.counted(ids, listed: listed) }
    }

    /// The memtable knows of copies, and not whether their files are still there.
    private func dropVanished(_ found: inout [ObjectID: Location]) throws(DepotError) {
        for number in Set(found.values.map(\.segment)) {
            let bytes = try files.find(number)?.bytes ?? 0
            found = found.filter { $0.value.segment != number || $0.value.contentEnd <= bytes }
        }
    }

    /// A header that cannot be read confirms nothing.
    private func confirms(
        _ location: Location, of id: ObjectID, in file: SegmentFile
    ) -> Bool {
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
            // The memtable first: a segment that is merged meanwhile then shows twice rather than
            // not at all.
            let (recent, gone) = self.state.withLock { state in
                (state.memtable.entries(after: after), state.gone)
            }
            var entries: [ObjectID: InventoryEntry] = [:]
            // Copies whose file is gone are left out, so a page of the index may fill only a part
            // of one here.
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
