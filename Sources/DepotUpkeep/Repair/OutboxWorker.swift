import DepotCluster
import DepotCore

/// What requests left to be done: records that are not yet on all their replicas, copies that were
/// released and not deleted.
struct OutboxWorker: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let deliverer: RecordDeliverer
    let dropper: CopyDropper

    func run() async {
        await pool.ready()
        var position: OutboxPosition?
        repeat {
            await attempt("deliver records") { () async throws(DepotError) in
                position = try await deliverer.drain(after: position)
            }
            await attempt("delete released copies") { () async throws(DepotError) in
                try await dropper.sweep()
            }
        } while await context.clock.pause(context.timing.chorePeriod)
    }

    private func attempt(
        _ what: String, _ chore: () async throws(DepotError) -> Void
    ) async {
        do throws(DepotError) {
            try pool.requireCurrentCatalog()
            try await chore()
        } catch {
            if Task.isCancelled { return }
            context.logger.warning("a chore failed: \(what)", metadata: ["error": "\(error)"])
        }
    }
}
