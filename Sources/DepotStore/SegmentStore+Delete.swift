import DepotCore

// A deletion changes the index alone. The bytes stay in their segment, which is only ever appended
// to, until the segment is compacted. A copy in the open segment is not in the index yet; for such
// a copy the index keeps a tombstone and does not list it when it merges the segment. Without the
// tombstone a crash would bring a record back whose deletion was answered, and with it a deleted
// file. Deletions are lost with the index: the copies come back then, and an inventory shows them.
extension SegmentStore {
    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try checkWritable()
        let token = CondemnToken(value: .random(in: 1 ... .max))
        let hasRoom = state.withLock { $0.condemned(ids, by: token) }
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
            let (going, inMemtable) = self.state.withLock { $0.deleting(ids, by: token) }
            do throws(DepotError) {
                try self.index.remove(
                    going, buried: inMemtable,
                    in: inMemtable.isEmpty ? [] : self.state.withLock { $0.unmergedParts })
            } catch {
                self.state.withLock { $0.notDeleted() }
                throw error
            }
            self.state.withLock { $0.deleted(counted: held) }
            let gone = Set(going)
            return ids.filter { gone.contains($0) || !held.contains($0) }
        }
    }
}
