import DepotCore
import Logging

/// Brings records from the outbox to the replicas that are to keep them.
///
/// A batch goes to `recordCopies` replicas by the placement of its id; an acknowledgement needs a
/// majority of them, and that a majority of all members knows of the commit: where records go to
/// fewer, others are told its sequence, once a group. What is missing stays in the outbox and is
/// tried again.
package struct RecordDeliverer: Sendable {
    /// Records of one group, or somewhat more: one append and one barrier a replica for all of them.
    static let groupSize = 512

    package let pool: ReplicaPool
    package let catalog: any RecordCatalog

    /// How far a batch got.
    package struct Delivery: Sendable {
        package let copies: Int
        package let wanted: Int
        /// Whether more is known of it now than before.
        let isNearer: Bool
        package let level: ReplicationLevel
        /// Members that know of the commit, and how many have to.
        package let known: Int
        package let majority: Int
        /// Why some of its replicas have it not.
        package let failure: DepotError?

        /// - Throws: `notEnoughReplicas` where too few replicas hold it to promise anything.
        package func require(all: Bool, of name: FileName) throws(DepotError) {
            // Records go to more replicas than a low level asks for; an acknowledgement promises
            // the level.
            let majority = wanted / 2 + 1
            let needed = all ? max(majority, min(level.copies, wanted)) : majority
            guard copies < needed else { return try requireKnown(of: name) }
            throw DepotError(
                .notEnoughReplicas,
                "the change is made, but its record is durable on \(copies) replicas only, "
                    + "\(needed) are needed before it may be relied on; send the request again",
                object: name.text, cause: failure)
        }

        /// A FileServer that starts with an older catalog has to meet somebody who knows better.
        private func requireKnown(of name: FileName) throws(DepotError) {
            guard known < majority else { return }
            throw DepotError(
                .notEnoughReplicas,
                "the change is made, but \(known) members know of it only, \(majority) have to "
                    + "before it may be relied on; send the request again",
                object: name.text, cause: failure)
        }
    }

    /// - Parameter batches: with new commits, each once.
    /// - Returns: in their order.
    package func deliver(_ batches: [RecordBatch]) async throws(DepotError) -> [Delivery] {
        var deliveries: [Delivery] = []
        var (group, records): ([Addressed], Int) = ([], 0)
        for (index, batch) in batches.enumerated() {
            group.append(Addressed(batch, confirmed: []))
            records += batch.records.count
            guard records >= Self.groupSize || index == batches.count - 1 else { continue }
            deliveries += try await deliverGroup(group)
            (group, records) = ([], 0)
        }
        return deliveries
    }

    /// Of commits whose records are where they belong, or were: nothing is sent, but that as many
    /// members as have to be know of them.
    ///
    /// - Returns: in their order.
    package func known(_ receipts: [Receipt]) async -> [Delivery] {
        let counts = await knownCounts(receipts.map(\.sequence))
        let majority = pool.majority
        return zip(receipts, counts).map { receipt, known in
            let wanted = receipt.level.recordCopies
            return Delivery(
                copies: wanted, wanted: wanted, isNearer: false, level: receipt.level,
                known: known, majority: majority, failure: nil)
        }
    }

    /// Groups without any progress, after which a walk through the outbox rests: what waits for a
    /// replica that is away must not keep the FileServer busy.
    private static let idleGroupsMax = 8

    /// Walks through what is in the outbox now. Entries that cannot go anywhere now stay, and keep
    /// none behind them from its turn.
    ///
    /// - Parameter position: where the last walk rested.
    /// - Returns: where the next is to go on; `nil` where this one came to the end.
    @discardableResult
    package func drain(
        after position: OutboxPosition? = nil
    ) async throws(DepotError) -> OutboxPosition? {
        // What commits bring meanwhile they deliver themselves: a walk would never end.
        guard let end = try await catalog.outboxEnd() else { return nil }
        var (position, idleGroups) = (position, 0)
        while idleGroups < Self.idleGroupsMax {
            if let position, position >= end { return nil }
            let entries = try await catalog.outbox(after: position, limit: Self.groupSize)
            guard let last = entries.last else { return nil }
            let deliveries = try await deliverGroup(
                entries.map { Addressed($0.batch, confirmed: $0.confirmed) })
            idleGroups = deliveries.contains(where: \.isNearer) ? 0 : idleGroups + 1
            position = last.position
        }
        return position
    }

    private struct Addressed: Sendable {
        let object: VerifiedObject
        let sequence: CommitSequence
        let level: ReplicationLevel
        /// Where it is known to be durable.
        let confirmed: Set<ReplicaID>

        init(_ batch: RecordBatch, confirmed: Set<ReplicaID>) {
            object = batch.object
            sequence = batch.sequence
            level = batch.level
            self.confirmed = confirmed
        }
    }

    private func deliverGroup(_ group: [Addressed]) async throws(DepotError) -> [Delivery] {
        let placement = pool.placementOfRecords
        let size = pool.size
        let counting = pool.countedForRepair
        var batches: [ReplicaID: [Int]] = [:]
        for (index, record) in group.enumerated() {
            let wanted = min(record.level.recordCopies, size)
            let kept = record.confirmed.intersection(counting)
            let targets = placement.choose(
                max(0, wanted - kept.count), for: record.object.id.hash, keeping: kept,
                avoiding: pool.avoided)
            for target in targets { batches[target, default: []].append(index) }
        }
        let work = batches
        let answers = await gather(work.keys) { replica async throws(DepotError) in
            try await send((work[replica] ?? []).map { group[$0].object }, to: replica)
        }
        return try await confirm(group, batches: batches, answers: answers, clusterSize: size)
    }

    private func send(
        _ objects: [VerifiedObject], to replica: ReplicaID
    ) async throws(DepotError) -> [Vouch] {
        try await pool.ask(replica, within: .barrier) {
            link async throws(DepotError) in
            try await link.put(objects)
            return try await link.vouch(for: objects.map(\.id))
        }
    }

    private func confirm(
        _ group: [Addressed], batches: [ReplicaID: [Int]],
        answers: [ReplicaID: Result<[Vouch], DepotError>], clusterSize size: Int
    ) async throws(DepotError) -> [Delivery] {
        let counting = pool.countedForRepair
        var vouched = [[ReplicaID]](repeating: [], count: group.count)
        var failure: DepotError?
        for (replica, answer) in answers {
            switch answer {
            case .success(let vouches):
                var latest = CommitSequence.first
                for (index, vouch) in zip(batches[replica] ?? [], vouches) where vouch == .durable {
                    vouched[index].append(replica)
                    latest = max(latest, group[index].sequence)
                }
                pool.note(latest, knownTo: replica)
            case .failure(let error):
                failure = error
            }
        }
        let known = await knownCounts(group.map(\.sequence))
        let majority = pool.majority
        var deliveries: [Delivery] = []
        var confirmations: [RecordConfirmation] = []
        for ((record, replicas), known) in zip(zip(group, vouched), known) {
            let copies = record.confirmed.union(replicas).intersection(counting).count
            let wanted = min(record.level.recordCopies, size)
            let isDone = copies >= wanted
            if !replicas.isEmpty || isDone {
                confirmations.append(
                    RecordConfirmation(
                        batch: record.object.id.hash, on: replicas, isDone: isDone))
            }
            deliveries.append(
                Delivery(
                    copies: copies, wanted: wanted,
                    isNearer: isDone || !record.confirmed.isSuperset(of: replicas),
                    level: record.level, known: known, majority: majority, failure: failure))
        }
        if !confirmations.isEmpty { try await catalog.confirm(confirmations) }
        return deliveries
    }

    /// How many members know of each commit, after as many were told of the latest as have to be.
    private func knownCounts(_ commits: [CommitSequence]) async -> [Int] {
        guard let latest = commits.max() else { return [] }
        await pool.spread(latest)
        let all = pool.knowing(latest).count
        pool.noteCommitted(latest, isKnownToMajority: all >= pool.majority)
        if all >= pool.majority { return [Int](repeating: all, count: commits.count) }
        return commits.map { pool.knowing($0).count }
    }
}
