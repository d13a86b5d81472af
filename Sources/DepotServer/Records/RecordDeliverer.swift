import DepotCore
import Logging

/// Brings records from the outbox to the replicas that are to keep them.
///
/// A record goes to `recordCopies` replicas by the placement of its name; an acknowledgement needs a majority
/// of them. What is missing stays in the outbox and is tried again.
struct RecordDeliverer: Sendable {
    /// Records of one group: one append and one barrier a replica for all of them.
    static let groupSize = 512

    let pool: ReplicaPool
    let catalog: any Catalog

    /// How far a record got.
    struct Delivery: Sendable {
        let copies: Int
        let wanted: Int
        let level: ReplicationLevel
        /// Why some of its replicas have it not.
        let failure: DepotError?

        /// - Throws: `notEnoughReplicas` where too few replicas hold it to promise anything.
        func require(all: Bool, of name: FileName) throws(DepotError) {
            // Records go to more replicas than a low level asks for; an acknowledgement promises the level.
            let majority = wanted / 2 + 1
            let needed = all ? max(majority, min(level.copies, wanted)) : majority
            guard copies < needed else { return }
            throw DepotError(
                .notEnoughReplicas,
                "the change is made, but its record is durable on \(copies) replicas only, "
                    + "\(needed) are needed before it may be relied on; send the request again",
                object: name.text, cause: failure)
        }
    }

    /// - Parameter entries: each record once.
    /// - Returns: in their order.
    func deliver(_ entries: [OutboxEntry]) async throws(DepotError) -> [Delivery] {
        var deliveries: [Delivery] = []
        for group in entries.pages(of: Self.groupSize) {
            deliveries += try await deliverGroup(group.map(Addressed.init))
        }
        return deliveries
    }

    /// One round of the outbox. Entries that cannot go anywhere now stay.
    func drain() async throws(DepotError) {
        let entries = try await catalog.outbox(limit: Self.groupSize)
        if !entries.isEmpty { _ = try await deliverGroup(entries.map(Addressed.init)) }
    }

    private struct Addressed: Sendable {
        let object: VerifiedObject
        let name: FileName
        let level: ReplicationLevel
        var confirmed: Set<ReplicaID>

        init(_ entry: OutboxEntry) {
            object = entry.record.encoded()
            name = entry.record.name
            confirmed = entry.confirmed
            level = entry.record.level
        }
    }

    private func deliverGroup(_ group: [Addressed]) async throws(DepotError) -> [Delivery] {
        let placement = pool.placement
        let size = pool.size
        let counting = pool.counting
        var batches: [ReplicaID: [Int]] = [:]
        for (index, record) in group.enumerated() {
            let wanted = min(record.level.recordCopies, size)
            let kept = record.confirmed.intersection(counting)
            let targets = placement.choose(
                max(0, wanted - kept.count), for: record.name.nameHash, keeping: kept,
                avoiding: pool.avoided)
            for target in targets { batches[target, default: []].append(index) }
        }
        let work = batches
        let answers = await gather(work.keys) { replica async throws(DepotError) in
            try await send((work[replica] ?? []).map { group[$0].object }, to: replica)
        }
        return try await confirm(group, batches, answers, size)
    }

    private func send(
        _ objects: [VerifiedObject], to replica: ReplicaID
    ) async throws(DepotError) -> [Vouch] {
        try await pool.ask(replica, limit: pool.timing.barrierLimit) {
            link async throws(DepotError) in
            try await link.put(objects)
            return try await link.vouch(for: objects.map(\.id))
        }
    }

    private func confirm(
        _ group: [Addressed], _ batches: [ReplicaID: [Int]],
        _ answers: [ReplicaID: Result<[Vouch], DepotError>], _ size: Int
    ) async throws(DepotError) -> [Delivery] {
        let counting = pool.counting
        var vouched = [[ReplicaID]](repeating: [], count: group.count)
        var failure: DepotError?
        for (replica, answer) in answers {
            switch answer {
            case .success(let vouches):
                for (index, vouch) in zip(batches[replica] ?? [], vouches) where vouch == .durable {
                    vouched[index].append(replica)
                }
            case .failure(let error):
                failure = error
            }
        }
        var deliveries: [Delivery] = []
        var confirmations: [RecordConfirmation] = []
        for (record, replicas) in zip(group, vouched) {
            let copies = record.confirmed.union(replicas).intersection(counting).count
            let wanted = min(record.level.recordCopies, size)
            let isDone = copies >= wanted
            if !replicas.isEmpty || isDone {
                confirmations.append(
                    RecordConfirmation(
                        record: record.object.id.hash, on: replicas, isDone: isDone))
            }
            deliveries.append(
                Delivery(copies: copies, wanted: wanted, level: record.level, failure: failure))
        }
        if !confirmations.isEmpty { try await catalog.confirm(confirmations) }
        return deliveries
    }
}
