import DepotCore
import DepotWire
import Logging
import Synchronization

/// Has replicas look at copies that somebody found wanting. A hint alone changes nothing: only what
/// the replica itself read from its disk and hashed goes into the catalog.
package final class CopyInspector: Sendable {
    /// Hints that wait; more are dropped, and come again when the copy is met again.
    static let waitingMax = 4_096
    /// Copies of one check.
    private static let batchSize = 64

    private struct Copy: Hashable {
        let chunk: ChunkID
        let replica: ReplicaID
    }

    package let context: ServerContext
    package let pool: ReplicaPool
    package let catalog: any CopyCatalog
    private let waiting = Mutex<Set<Copy>>([])
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    package init(context: ServerContext, pool: ReplicaPool, catalog: any CopyCatalog) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
        (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func suspect(_ chunk: ChunkID, on replica: ReplicaID) {
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < Self.waitingMax else { return false }
            return waiting.insert(Copy(chunk: chunk, replica: replica)).inserted
        }
        if isTaken { ring.yield() }
    }

    package func run() async {
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
            let believed = try await believed(chunks, on: replica)
            guard !believed.isEmpty else { return }
            let verdicts = try await check(believed, on: replica)
            let found = verdicts.filter { $0.value != .good }
            if !found.isEmpty {
                note(found, on: replica)
                context.logger.error(
                    "copies are damaged",
                    metadata: [
                        "replica": "\(pool.name(of: replica))", "chunks": "\(found.count)",
                        "first": "\(found.keys.min().map(\.hex) ?? "")",
                    ])
            }
        } catch {
            context.logger.warning(
                "copies could not be checked",
                metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
        }
    }

    /// Of a copy that nobody believes to be there nothing can be missing: whoever gives a hint may
    /// name anything.
    private func believed(
        _ chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID] {
        let known = try await catalog.copies(of: chunks)
        return zip(chunks, known).filter { _, copies in
            copies?.holdings.contains { $0.replica == replica && $0.state != .released } ?? false
        }.map(\.0)
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
    package func check(
        _ chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID: CheckVerdict] {
        let mark = try await catalog.mark()
        let answers = try await pool.ask(replica, within: .check) {
            link async throws(DepotError) in
            try await link.check(chunks.map(ObjectID.chunk))
        }
        let verdicts = Dictionary(zip(chunks, answers)) { first, _ in first }
        pool.note(corrupt: verdicts.values.count { $0 == .bad }, on: replica)
        do throws(DepotError) {
            try await catalog.settle(verdicts, on: replica, asOf: mark)
        } catch  where error.isCatalogUnwritable {
            // It was read and hashed all the same, and is found again.
            context.logger.warning(
                "what a replica found could not be noted",
                metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
        }
        return verdicts
    }
}
