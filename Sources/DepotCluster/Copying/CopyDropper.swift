import DepotCore
import Logging

// The order of destruction. The copy is condemned first: from then on whatever puts, finds or
// vouches for the chunk on that replica makes the deletion void. Then the others are hashed from
// their disks, the catalog's gate lets the copy go or not, and only then it is deleted. Were it
// condemned after the gate, a deposit that vouched for the copy in between would count a copy that
// is about to vanish.

/// Deletes copies that are not needed any more.
package struct CopyDropper: Sendable {
    /// Copies of one round: their other copies are read from disk within `checkLimit`.
    package static let batchBytes = 256 << 20

    package let context: ServerContext
    package let pool: ReplicaPool
    package let catalog: any CopyCatalog
    package let inspector: CopyInspector

    /// Carries out what a plan advises, as far as the gate lets it. What one replica fails to do is
    /// no reason to leave the others' undone; repair tries it again.
    ///
    /// - Returns: what was released. Most of it is deleted, too; the rest is as soon as its replica
    ///   can.
    /// - Throws: where nothing was released for a failure: the first one.
    package func drop(_ orders: [DropOrder]) async throws(DepotError) -> [DropOrder] {
        var released: [DropOrder] = []
        var failure: DepotError?
        for (replica, orders) in Dictionary(grouping: orders, by: \.replica) {
            do throws(DepotError) {
                for batch in ChunkBatch.cut(
                    orders, bytesMax: Self.batchBytes, length: \.chunk.length)
                {
                    let chunks = Set(try await drop(batch, on: replica))
                    released += batch.filter { chunks.contains($0.chunk.id) }
                }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure {
            guard !released.isEmpty else { throw failure }
            context.logger.warning(
                "not all copies could be dropped", metadata: ["error": "\(failure)"])
        }
        return released
    }

    /// - Returns: the chunks whose copies were released.
    private func drop(
        _ orders: [DropOrder], on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID] {
        let ids = orders.map(\.chunk.id)
        let token = try await pool.ask(replica, within: .stall) {
            link async throws(DepotError) in
            try await link.condemn(ids.map(ObjectID.chunk))
        }
        let mark = try await catalog.mark()
        let hashed = await hash(orders)
        let released = try await catalog.release(
            ids, on: replica, hashedJustBefore: hashed, asOf: mark)
        if !released.isEmpty { await delete(released, on: replica, token) }
        return released
    }

    /// Has the copies that stay read from their disks: those on replicas on which nobody else can
    /// delete them right afterwards.
    private func hash(_ orders: [DropOrder]) async -> [ChunkID: Set<ReplicaID>] {
        var asking: [ReplicaID: [ChunkID]] = [:]
        let claimed = pool.claimed
        for order in orders {
            for replica in order.remaining where claimed.contains(replica) {
                asking[replica, default: []].append(order.chunk.id)
            }
        }
        let work = asking
        let answers = await gather(work.keys) { replica async throws(DepotError) in
            try await inspector.check(work[replica] ?? [], on: replica)
        }
        var hashed: [ChunkID: Set<ReplicaID>] = [:]
        for (replica, answer) in answers {
            guard case .success(let verdicts) = answer else { continue }
            for (chunk, verdict) in verdicts where verdict == .good {
                hashed[chunk, default: []].insert(replica)
            }
        }
        return hashed
    }

    /// What fails here is done by a later round: the copies stay released.
    private func delete(_ chunks: [ChunkID], on replica: ReplicaID, _ token: CondemnToken) async {
        do throws(DepotError) {
            let gone = try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                try await link.delete(chunks.map(ObjectID.chunk), token: token)
            }
            try await catalog.removeReleased(gone.map(\.hash), on: replica)
        } catch {
            context.logger.warning(
                "released copies could not be deleted yet",
                metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
        }
    }

    /// One round over copies that were released and are still there.
    package func sweep() async throws(DepotError) {
        let draining = pool.draining
        for replica in pool.writable {
            let left = try await catalog.holdings(
                on: replica, state: .released, after: nil, limit: ChunkBatch.countMax
            ).chunks
            guard !left.isEmpty else { continue }
            let statuses = try await catalog.statuses(of: left.map(\.id))
            let orders = statuses.compactMap { status -> DropOrder? in
                guard let status, status.target > 0 else { return nil }
                return DropOrder(
                    chunk: status.reference, replica: replica,
                    remaining: status.good.filter { !draining.contains($0) })
            }
            _ = try await drop(orders)
        }
    }
}
