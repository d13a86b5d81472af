import DepotCluster
import DepotCore
import DepotWire
import Synchronization

/// Brings records back whose copies were found damaged or missing. The catalog has their text: it
/// is put into the outbox when the copy is settled, and goes from there to where it belongs.
final class RecordMender: Sendable {
    private static let pageSize = 256

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any RecordCatalog
    let deliverer: RecordDeliverer
    private let failed = Mutex<Set<ChunkID>>([])

    init(
        context: ServerContext, pool: ReplicaPool, catalog: any RecordCatalog,
        deliverer: RecordDeliverer
    ) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
        self.deliverer = deliverer
    }

    func mend(_ problems: [VerificationProblem]) async {
        let ours = problems.filter { $0.object?.kind == .record }
        guard !ours.isEmpty else { return }
        await deliver()
        for problem in ours where problem.kind == .corrupt {
            guard let record = problem.object, let replica = pool.member(named: problem.replica)
            else { continue }
            do throws(DepotError) {
                try await mend(record, on: replica)
            } catch {
                failed.withLock { _ = $0.insert(record.hash) }
                context.logger.warning(
                    "a damaged record could not be replaced",
                    metadata: ["replica": "\(problem.replica)", "error": "\(error)"])
            }
        }
        await deliver()
        await noteUndelivered()
    }

    /// Whether a record is where it belongs, as far as this mender was asked to see to it.
    func isMended(_ record: ChunkID) async -> Bool {
        failed.withLock { !$0.contains(record) }
    }

    /// The damaged copy was replaced where the record belongs to that replica; elsewhere it is in
    /// the way.
    private func mend(_ record: ObjectID, on replica: ReplicaID) async throws(DepotError) {
        let verdict = try await check(record, on: replica)
        // One whose header is damaged is called absent when it is asked for by name, and is in the
        // way all the same.
        if verdict != .good {
            let deleted = try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                let token = try await link.condemn([record])
                return try await link.delete([record], token: token)
            }
            guard deleted == [record] else { return }
            try await catalog.settle(records: [record.hash: .absent], on: replica)
        } else {
            try await catalog.settle(records: [record.hash: verdict], on: replica)
        }
    }

    private func check(
        _ record: ObjectID, on replica: ReplicaID
    ) async throws(DepotError) -> CheckVerdict {
        try await pool.ask(replica, within: .check) {
            link async throws(DepotError) in
            try await link.check([record])
        }.first ?? .absent
    }

    private func deliver() async {
        do throws(DepotError) {
            var position: OutboxPosition?
            repeat {
                position = try await deliverer.drain(after: position)
            } while position != nil
        } catch {
            context.logger.warning(
                "records could not be delivered", metadata: ["error": "\(error)"])
        }
    }

    private func noteUndelivered() async {
        do throws(DepotError) {
            var position: OutboxPosition?
            while true {
                let left = try await catalog.outbox(after: position, limit: Self.pageSize)
                guard let last = left.last else { return }
                position = last.position
                failed.withLock { $0.formUnion(left.map { $0.batch.id }) }
            }
        } catch {
            context.logger.warning("the outbox could not be read", metadata: ["error": "\(error)"])
        }
    }
}
