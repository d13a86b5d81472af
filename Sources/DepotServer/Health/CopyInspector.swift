import DepotCore
import DepotWire
import Logging
import Synchronization

/// Has replicas look at copies that somebody found wanting. A hint alone changes nothing: only what the replica
/// itself read from its disk and hashed goes into the catalog.
final class CopyInspector: Sendable {
    /// Hints that wait; more are dropped, and come again when the copy is met again.
    static let waitingMax = 4_096
    /// Copies of one check.
    private static let batchSize = 64

    private struct Copy: Hashable {
        let chunk: ChunkID
        let replica: ReplicaID
    }

    let pool: ReplicaPool
    let catalog: any Catalog
    private let waiting = Mutex<Set<Copy>>([])
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init(pool: ReplicaPool, catalog: any Catalog) {
        self.pool = pool
        self.catalog = catalog
        (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func suspect(_ chunk: ChunkID, on replica: ReplicaID) {
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < Self.waitingMax else { return false }
            return waiting.insert(Copy(chunk: chunk, replica: replica)).inserted
        }
        if isTaken { ring.yield() }
    }

    func run() async {
        for await _ in bell {
            while let (replica, chunks) = next() { await inspect(chunks, on: replica) }
        }
    }

    private func next() -> (ReplicaID, [ChunkID])? {
        waiting.withLock { waiting in
            guard let replica = waiting.first?.replica else { return nil }
            let batch = waiting.filter { $0.replica == replica }.prefix(Self.batchSize)
            waiting.subtract(batch)
            return (replica, batch.map(\.chunk).sorted())
        }
    }

    private func inspect(_ chunks: [ChunkID], on replica: ReplicaID) async {
        do throws(DepotError) {
            let verdicts = try await check(chunks, on: replica)
            let found = verdicts.filter { $0.value != .good }
            if !found.isEmpty {
                note(found, on: replica)
                pool.logger.error(
                    "copies are damaged",
                    metadata: [
                        "replica": "\(pool.name(of: replica))", "chunks": "\(found.count)",
                        "first": "\(found.keys.min().map(\.hex) ?? "")",
                    ])
            }
        } catch {
            pool.logger.warning(
                "copies could not be checked",
                metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
        }
    }

    private func note(_ found: [ChunkID: CheckVerdict], on replica: ReplicaID) {
        for (kind, verdict) in [
            (VerificationProblem.Kind.corrupt, CheckVerdict.bad), (.missing, .absent),
        ] {
            let chunks = found.filter { $0.value == verdict }.keys
            pool.damage.add(kind, chunks.map(ObjectID.chunk), on: replica)
        }
    }

    /// Has a replica hash its copies from the disk, and keeps what it found.
    @discardableResult
    func check(
        _ chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID: CheckVerdict] {
        let mark = try await catalog.mark()
        let answers = try await pool.ask(replica, limit: pool.timing.checkLimit) {
            link async throws(DepotError) in
            try await link.check(chunks.map(ObjectID.chunk))
        }
        let verdicts = Dictionary(zip(chunks, answers)) { first, _ in first }
        try await catalog.settle(verdicts, on: replica, asOf: mark)
        return verdicts
    }
}
