import DepotCore

/// Has a large catalog looked at for damage while it is in use, see `ClusterCatalog.check`, and
/// hears where somebody comes upon damage. With a damaged one the FileServer goes on reading, since
/// what it hands out is hashed, and takes no more writes: it might acknowledge what it cannot find
/// again, or drop copies by what is wrong. Has the catalog do what it left for later, too, see
/// `ClusterCatalog.catchUp`.
struct CatalogWatch: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ClusterCatalog

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await look() }
            group.addTask { await catchUp() }
            group.addTask { if let damage = await catalog.damage() { stop(damage) } }
        }
    }

    private func look() async {
        do throws(DepotError) {
            try await catalog.check()
        } catch {
            if Task.isCancelled { return }
            guard error.code == .storeFailed else {
                context.logger.warning(
                    "the catalog could not be looked at for damage",
                    metadata: ["error": "\(error)"])
                return
            }
            stop(error)
        }
    }

    /// Leaves half of the time to others.
    private func catchUp() async {
        repeat {
            do throws(DepotError) {
                while true {
                    let began = context.clock.elapsed()
                    var isMore = try await catalog.catchUp()
                    if !isMore { isMore = try await catalog.learn() }
                    guard isMore else { break }
                    guard await context.clock.pause(context.clock.elapsed() - began) else { return }
                }
            } catch {
                if Task.isCancelled { return }
                context.logger.warning(
                    "what the catalog has left for later could not be done yet",
                    metadata: ["error": "\(error)"])
            }
        } while await context.clock.pause(context.timing.repairPeriod)
    }

    private func stop(_ damage: DepotError) {
        guard pool.catalogFound(damaged: damage) else { return }
        context.logger.critical(
            "the catalog is damaged, and nothing more is written",
            metadata: ["error": "\(damage)"])
    }
}
