import DepotCore

/// Reads records from one replica: hashed, parsed, of this cluster.
package struct RecordReader: Sendable {
    /// Records of one question: 6 MiB at most, some 20 KiB most times.
    package static let batchSize = 64

    private let pool: ReplicaPool

    package init(pool: ReplicaPool) { self.pool = pool }

    package enum Found: Sendable {
        case record(FileRecord)
        /// The replica does not hold it, or not any more.
        case absent
        /// Other bytes than its id says, or no record of depot's.
        case unreadable
        /// A record of another cluster.
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
                    batch.map(ObjectID.record), upTo: batch.count * Limits.recordSizeMax)
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
            let record = try FileRecord(parsing: try verifier.finish().contiguous)
            return record.cluster == pool.cluster.cluster ? .record(record) : .foreign
        } catch {
            return .unreadable
        }
    }
}
