import DepotCore

// As with copies that are surplus, the copy is condemned first, then the catalog's gate decides, and only then it is
// deleted: whoever sends or vouches for the chunk in between makes the deletion void.

/// Deletes copies of chunks that nobody uses.
struct UnusedDropper: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog

    /// - Returns: the chunks whose copies were deleted.
    func drop(
        _ chunks: [ChunkID], unusedFor grace: Duration, on replica: ReplicaID
    ) async throws(DepotError) -> Set<ChunkID> {
        guard !chunks.isEmpty else { return [] }
        let token = try await pool.ask(replica, limit: pool.timing.stallLimit) {
            link async throws(DepotError) in
            try await link.condemn(chunks.map(ObjectID.chunk))
        }
        let released = try await catalog.releaseUnused(chunks, for: grace, on: replica)
        guard !released.isEmpty else { return [] }
        let gone = try await pool.ask(replica, limit: pool.timing.barrierLimit) {
            link async throws(DepotError) in
            try await link.delete(released.map(ObjectID.chunk), token: token)
        }.map(\.hash)
        try await catalog.removeReleased(gone, on: replica)
        return Set(gone)
    }
}
