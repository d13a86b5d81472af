import DepotCore
import Logging

// A catalog that was rebuilt while a member was away is partial: nobody knows what that member holds, so nothing is
// collected or dropped. When it returns it is compared from end to end, and with the last of them the catalog is whole.
// The one that was away may hold the newest word on a name; that is taken over then.

/// Inventories members that return while the catalog is partial.
struct ReturnInventory: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let manifests: ManifestReader

    private struct Work {
        var compared: Set<ReplicaID> = []
        /// Whose newest word on some name could not be taken over: chunks are missing, which another one may hold.
        var incomplete: Set<ReplicaID> = []
        var met: Set<ReplicaID> = []

        mutating func note(_ replica: ReplicaID, isComplete: Bool) {
            if isComplete { incomplete.remove(replica) } else { incomplete.insert(replica) }
            // With what one holds that was not met before, the others may be complete.
            if met.insert(replica).inserted { compared.subtract(incomplete) }
            compared.insert(replica)
        }
    }

    func run() async {
        await pool.ready()
        var work = Work()
        repeat {
            await round(&work)
        } while await pool.clock.pause(pool.timing.chorePeriod)
    }

    private func round(_ work: inout Work) async {
        do throws(DepotError) {
            guard try await catalog.isPartial() else { return }
            try pool.requireCurrentCatalog()
        } catch {
            return
        }
        for replica in pool.writable.sorted() where !work.compared.contains(replica) {
            do throws(DepotError) {
                work.note(replica, isComplete: try await compare(replica))
            } catch {
                if Task.isCancelled { return }
                pool.logger.warning(
                    "a replica could not be compared with the catalog yet",
                    metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
            }
        }
    }

    /// - Returns: whether the catalog knows all that it holds.
    func compare(_ replica: ReplicaID) async throws(DepotError) -> Bool {
        let comparer = InventoryComparer(pool: pool, catalog: catalog)
        var comparison = try await comparer.compare(replica)
        // Listed are some of them; each round that takes some over leaves fewer.
        while comparison.newerRecords > 0 {
            guard try await takeOver(comparison.newerListed, replica) > 0 else { return false }
            comparison = try await comparer.compare(replica)
        }
        return true
    }

    /// - Returns: how many names have newer word now.
    private func takeOver(
        _ records: [FileRecord], _ replica: ReplicaID
    ) async throws(DepotError) -> Int {
        let restorer = ManifestRestorer(catalog: catalog, manifests: manifests)
        var taken = 0
        for record in records {
            if case .file(_, let manifest, _, _) = record.content {
                let gap = try await restorer.restore(manifest)
                guard gap.isEmpty else {
                    pool.logger.error(
                        "the newest version of a file is incomplete",
                        metadata: ["name": "\(record.name)", "problem": "\(gap.description)"])
                    continue
                }
            }
            try await catalog.restore([RestoredRecord(record: record, holders: [replica])])
            taken += 1
        }
        return taken
    }
}
