import DepotCluster
import DepotCore

// As with copies that are surplus, the copy is condemned first, then the catalog's gate decides,
// and only then it is deleted: whoever sends or vouches for the chunk in between makes the deletion
// void.

/// Deletes copies of chunks that nobody uses.
struct UnusedDropper: Sendable {
    let pool: ReplicaPool
    let catalog: any CollectionCatalog & CopyCatalog

    /// - Returns: the chunks whose copies were deleted.
    func drop(
        _ chunks: [ChunkID], unusedFor grace: CollectionGrace, on replica: ReplicaID
    ) async throws(DepotError) -> Set<ChunkID> {
        guard !chunks.isEmpty else { return [] }
        let token = try await pool.ask(replica, within: .stall) {
            link async throws(DepotError) in
            try await link.condemn(chunks.map(ObjectID.chunk))
        }
        let released = try await catalog.releaseUnused(chunks, for: grace, on: replica)
        guard !released.isEmpty else { return [] }
        let gone = try await pool.ask(replica, within: .barrier) {
            link async throws(DepotError) in
            try await link.delete(released.map(ObjectID.chunk), token: token)
        }.map(\.hash)
        try await catalog.removeReleased(gone, on: replica)
        return Set(gone)
    }

    /// Deletes what deposits sent to a replica that nobody vouched for: the catalog knows of no
    /// copy there.
    ///
    /// - Returns: how many were deleted.
    func dropStrays(
        _ chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) -> Int {
        guard !chunks.isEmpty else { return 0 }
        let token = try await pool.ask(replica, within: .stall) {
            link async throws(DepotError) in
            try await link.condemn(chunks.map(ObjectID.chunk))
        }
        let strays = try await catalog.strays(among: chunks, on: replica)
        guard !strays.isEmpty else { return 0 }
        return try await pool.ask(replica, within: .barrier) {
            link async throws(DepotError) in
            try await link.delete(strays.map(ObjectID.chunk), token: token)
        }.count
    }
}
