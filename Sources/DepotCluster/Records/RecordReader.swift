import DepotCore

/// Reads records from one replica: hashed, parsed, of this cluster.
package struct RecordReader: Sendable {
    /// Batches of one question: 6 MiB at most.
    package static let batchSize = 24

    private let pool: ReplicaPool

    package init(pool: ReplicaPool) { self.pool = pool }

    package enum Found: Sendable {
        case records(RecordBatch)
        /// The replica does not hold it, or not any more.
        case absent
        /// Other bytes than its id says, or no records of depot's.
        case unreadable
        /// Records of another cluster.
        case foreign
    }

    /// - Returns: in order.
    package func read(_ ids: [ChunkID], from replica: ReplicaID) async throws(DepotError) -> [Found]
    {
        var found: [Found] = []
        for batch in ids.batches(of: Self.batchSize) {
            let objects = try await pool.ask(replica, within: .stall) {
                link async throws(DepotError) in
                try await link.read(
                    batch.map(ObjectID.record), upTo: batch.count * Limits.recordBatchSizeMax)
            }
            found += zip(batch, objects).map(judge)
        }
        return found
    }

    private func judge(_ id: ChunkID, _ stored: StoredObject?) -> Found {
        guard let stored else { return .absent }
        guard case .memory(let parts) = stored.bytes,
            parts.reduce(0, { $0 + $1.readableBytes }) == stored.length
        else { return .unreadable }
        do {
            var verifier = try ObjectVerifier(expecting: .record(id), length: stored.length)
            for part in parts { verifier.append(part) }
            let batch = try RecordBatch(try verifier.finish())
            return batch.records[0].cluster == pool.cluster.cluster ? .records(batch) : .foreign
        } catch {
            return .unreadable
        }
    }
}
