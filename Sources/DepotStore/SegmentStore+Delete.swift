import DepotCore

// A deletion is a mark in the index. The bytes stay in their segment, which is only ever appended to, until the
// segment is compacted. A mark that is lost with the index brings a copy back, which an inventory shows.
extension SegmentStore {
    /// Deletions under way, in objects: bounds what is remembered of them.
    private static let condemnedMax = 1 << 20

    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try checkWritable()
        let token = CondemnToken(value: .random(in: 1 ... .max))
        let hasRoom = state.withLock { state in
            guard state.condemned.count + ids.count <= Self.condemnedMax else { return false }
            for id in ids { state.condemned[id] = token }
            return true
        }
        guard hasRoom else {
            throw DepotError(.busy, "too many deletions are under way; finish them first")
        }
        return token
    }

    public func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] {
        try await onLog { () throws(DepotError) in
            try self.checkWritable()
            let held = try self.counted(ids)
            let going = self.state.withLock { state in
                let going = ids.filter { state.condemned[$0] == token }
                for id in going {
                    state.condemned[id] = nil
                    state.dying.insert(id)
                }
                return going
            }
            defer { self.state.withLock { $0.dying.subtract(going) } }
            try self.index.remove(going)
            try self.index.clearBad(going)
            self.state.withLock { state in
                for id in Set(going) where held.contains(id) {
                    if state.recent.removeValue(forKey: id) != nil { state.dead.insert(id) }
                    if id.kind == .chunk { state.chunks -= 1 }
                }
                state.bad.subtract(going)
            }
            let gone = Set(going)
            return ids.filter { gone.contains($0) || !held.contains($0) }
        }
    }
}
