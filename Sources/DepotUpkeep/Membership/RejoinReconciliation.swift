import DepotCluster
import DepotCore
import Logging

// A catalog that was rebuilt while a member was away is partial: nobody knows what that member
// holds, so nothing is collected or dropped. When it returns it is compared from end to end, and
// with the last of them the catalog is whole. The one that was away may hold the newest word on a
// name; that is taken over then, where it is not its word alone: what was acknowledged is on a
// majority of the replicas that keep its record.

/// Inventories members that return while the catalog is partial.
struct RejoinReconciliation: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any RestorationCatalog & CopyCatalog & FileCatalog
    let comparer: InventoryComparer
    let manifests: ManifestReader

    private static let minorityAdvice =
        "the newest word on a name is only a minority's and is not taken over; if it is right and "
        + "the others do not come back, stop the FileServer and run 'depot rebuild-catalog "
        + "--accept-minority'"

    private struct Work {
        var compared: Set<ReplicaID> = []
        /// Whose newest word on some name could not be taken over: chunks are missing, which
        /// another one may hold.
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
        } while await context.clock.pause(context.timing.chorePeriod)
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
                context.logger.warning(
                    "a replica could not be compared with the catalog yet",
                    metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
            }
        }
    }

    /// - Returns: whether the catalog knows all that it holds.
    func compare(_ replica: ReplicaID) async throws(DepotError) -> Bool {
        var comparison = try await comparer.compare(replica)
        // Listed are some of them; each round that takes some over leaves fewer.
        while comparison.newerRecords > 0 {
            guard try await takeOver(comparison.newerListed, replica) > 0 else { return false }
            comparison = try await comparer.compare(replica)
        }
        // While the catalog is partial nothing goes; with the last member it is no more. So what names
        // were before is taken over first.
        try await VersionReconciliation(catalog: catalog, manifests: manifests).run()
        try await catalog.noteReturn(of: replica)
        return true
    }

    /// How many of the members that answer hold each of the batches durably.
    private func countSaying(_ batches: [ChunkID]) async -> [ChunkID: Int] {
        let ids = batches.map(ObjectID.record)
        let answers = await gather(pool.readable) { replica async throws(DepotError) in
            try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                try await link.vouch(for: ids)
            }
        }
        var saying: [ChunkID: Int] = [:]
        for case .success(let vouches) in answers.values {
            for (id, vouch) in zip(ids, vouches) where vouch == .durable {
                saying[id.hash, default: 0] += 1
            }
        }
        return saying
    }

    /// - Returns: how many names have newer word now.
    private func takeOver(
        _ records: [AddressedRecord], _ replica: ReplicaID
    ) async throws(DepotError) -> Int {
        let byBatch = Dictionary(grouping: records, by: \.address.batch)
        var taken = 0
        for batches in byBatch.keys.sorted().batches(of: RecordReader.batchSize) {
            let saying = await countSaying(Array(batches))
            let newer = batches.flatMap { byBatch[$0] ?? [] }.filter {
                isMajority(saying[$0.address.batch, default: 0], of: $0, replica)
            }
            guard !newer.isEmpty else { continue }
            try await enter(Set(newer.map(\.address.batch)), replica)
            for record in newer { taken += try await takeOver(record) }
        }
        return taken
    }

    private func isMajority(
        _ saying: Int, of newer: AddressedRecord, _ replica: ReplicaID
    ) -> Bool {
        let record = newer.record
        let majority = min(record.level.recordCopies, pool.members.count) / 2 + 1
        guard saying < majority else { return true }
        context.logger.error(
            "\(Self.minorityAdvice)",
            metadata: [
                "name": "\(record.name)", "sequence": "\(record.sequence)",
                "replica": "\(pool.name(of: replica))", "needed": "\(majority)",
            ])
        return false
    }

    /// Batches with something that a majority says. What else is in them stays unexplained.
    private func enter(
        _ batches: Set<ChunkID>, _ replica: ReplicaID
    ) async throws(DepotError) {
        let found = try await RecordReader(pool: pool).read(batches.sorted(), from: replica)
        try await catalog.enter(
            found.compactMap { if case .records(let batch) = $0 { batch } else { nil } },
            on: replica)
    }

    /// - Returns: 1 where the name has newer word now.
    private func takeOver(_ newer: AddressedRecord) async throws(DepotError) -> Int {
        let record = newer.record
        if case .file(_, let manifest, _, _) = record.content {
            let gap = try await ManifestRestorer(catalog: catalog, manifests: manifests)
                .restore(manifest)
            guard gap.isEmpty else {
                context.logger.error(
                    "the newest version of a file is incomplete",
                    metadata: ["name": "\(record.name)", "problem": "\(gap.description)"])
                return 0
            }
        }
        do throws(DepotError) {
            return try await catalog.restore([newer.address])
        } catch  where [.conflict, .notFound].contains(error.code) {
            context.logger.error(
                "the newest word on a name cannot be taken over",
                metadata: ["name": "\(record.name)", "error": "\(error)"])
            return 0
        }
    }
}
