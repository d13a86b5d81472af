import DepotCluster
import DepotCore
import DepotMetrics

extension DepositService {
    /// So often is a barrier asked again whose answers were overtaken.
    private static let attemptsMax = 3

    /// Makes chunks durable on as many replicas as they need: asks their holders to vouch, and
    /// copies what is on too few of them.
    ///
    /// - Parameter reach: of whoever asks.
    /// - Returns: the chunks that have too few copies all the same, and must be sent again.
    func barrier(
        _ deposit: DepositID, _ chunks: [ChunkReference], within reach: NameReach
    ) async throws(DepotError) -> [ChunkReference] {
        let terms = try await terms(of: deposit)
        try await requireReplicas(for: terms.level, all: terms.requireAll == true)
        var attempt = 1
        while true {
            do throws(DepotError) {
                return try await passBarrier(deposit, chunks, under: terms, within: reach)
            } catch {
                // The catalog's mark was too old to tell whether an answer still holds, or who
                // answered was forgotten.
                guard [.conflict, .notFound].contains(error.code), attempt < Self.attemptsMax else {
                    throw error
                }
                attempt += 1
            }
        }
    }

    private func passBarrier(
        _ deposit: DepositID, _ chunks: [ChunkReference], under terms: DepositSessions.Terms,
        within reach: NameReach
    ) async throws(DepotError) -> [ChunkReference] {
        var answers = try await ask(for: chunks, of: deposit, within: reach)
        try await catalog.prove(answers.proof, asOf: answers.mark, deposit: deposit)
        try await raise(chunks, &answers, to: terms.level, deposit: deposit)
        sessions.settled(chunks, of: deposit)
        let required = terms.requireAll == true ? terms.level.copies : terms.level.majority
        return chunks.filter { (answers.proof.durable[$0]?.count ?? 0) < required }
    }

    /// Makes chunks durable for a commit that follows at once, and enters them with it where no
    /// more copies are to be made.
    ///
    /// - Returns: what the catalog is to hear with the commit; `nil` where it has heard all.
    func word(
        for chunks: [ChunkReference], of deposit: DepositID, under terms: DepositSessions.Terms,
        within reach: NameReach
    ) async throws(DepotError) -> BarrierWord? {
        try await requireReplicas(for: terms.level, all: terms.requireAll == true)
        let answers = try await ask(for: chunks, of: deposit, within: reach)
        let goal = goal(of: terms.level)
        guard chunks.allSatisfy({ answers.proof.durable[$0]?.count ?? 0 >= goal }) else {
            _ = try await barrier(deposit, chunks, within: reach)
            return nil
        }
        return BarrierWord(answers.proof, asOf: answers.mark)
    }

    /// What the catalog knows of chunks, and their holders say.
    private struct Answers {
        let mark: CatalogMark
        let known: [ChunkCopies?]
        var proof: BarrierProof
    }

    private func ask(
        for chunks: [ChunkReference], of deposit: DepositID, within reach: NameReach
    ) async throws(DepotError) -> Answers {
        let mark = try await catalog.mark()
        let ids = chunks.map(\.id)
        let visible = try await catalog.visible(among: ids, within: reach)
        // Of others only those copies count that the deposit has made itself: who sent a chunk has
        // it.
        let known = try await catalog.copies(of: ids).map { copies in
            copies.flatMap { visible.contains($0.reference.id) ? $0 : nil }
        }
        let sent = sessions.sent(chunks, in: deposit)
        // Nothing new is to be counted on a replica that is being emptied.
        let writable = pool.accepting
        var candidates: [ReplicaID: [ChunkReference]] = [:]
        for (chunk, copies) in zip(chunks, known) {
            // Replicas have hashed it with this length, now or before: a client's word for it is
            // none.
            guard sent[chunk] != nil || copies?.proved == chunk else { continue }
            if !visible.contains(chunk.id), sent[chunk]?.appended.isEmpty != false { continue }
            for replica in Self.candidates(copies, sent[chunk]) where writable.contains(replica) {
                candidates[replica, default: []].append(chunk)
            }
        }
        var proof = await vouch(candidates)
        proof.new = Set(ids).subtracting(visible)
        return Answers(mark: mark, known: known, proof: proof)
    }

    /// Who may hold a chunk soundly. A copy that was bad, or is about to go, counts only where it
    /// was sent again; that something is in the log there says nothing.
    private static func candidates(
        _ copies: ChunkCopies?, _ sent: DepositSessions.Sent?
    ) -> Set<ReplicaID> {
        var candidates = sent?.attempted ?? []
        for holding in copies?.holdings ?? [] {
            switch holding.state {
            case .good, .unproved: candidates.insert(holding.replica)
            case .bad, .released: candidates.remove(holding.replica)
            }
        }
        return candidates.union(sent?.appended ?? [])
    }

    /// Asks all of them at once. One that fails to answer says nothing about its chunks.
    func vouch(_ candidates: [ReplicaID: [ChunkReference]]) async -> BarrierProof {
        let began = context.clock.elapsed()
        defer { context.metrics.barrier.record(context.clock.elapsed() - began) }
        let answers = await gather(candidates.keys) { replica async throws(DepotError) in
            let ids = (candidates[replica] ?? []).map { ObjectID.chunk($0.id) }
            return try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                try await link.vouch(for: ids)
            }
        }
        var proof = BarrierProof()
        for (replica, answer) in answers {
            guard case .success(let vouches) = answer else { continue }
            for (chunk, vouch) in zip(candidates[replica] ?? [], vouches) {
                switch vouch {
                case .durable: proof.durable[chunk, default: []].insert(replica)
                case .absent: proof.absent[chunk.id, default: []].insert(replica)
                }
            }
        }
        return proof
    }

    /// Copies chunks that are on fewer replicas than the level asks for and the cluster has.
    private func raise(
        _ chunks: [ChunkReference], _ answers: inout Answers, to level: ReplicationLevel,
        deposit: DepositID
    ) async throws(DepotError) {
        let placement = pool.placement
        let goal = goal(of: level)
        var orders: [CopyOrder] = []
        for (chunk, copies) in zip(chunks, answers.known) {
            guard let durable = answers.proof.durable[chunk], durable.count < goal else {
                continue
            }
            let shunned = DepositSessions.Holders(copies).shunned
            let destinations = placement.choose(
                goal - durable.count, for: chunk.id, keeping: durable,
                avoiding: pool.avoided.union(shunned))
            // What only a bad disk could take is left to repair, which hashes what it wrote.
            for destination in destinations where !shunned.contains(destination) {
                orders.append(
                    CopyOrder(
                        chunk: chunk, sources: durable.sorted(), destination: destination))
            }
        }
        guard !orders.isEmpty else { return }
        let mark = try await catalog.mark()
        let copied = await copier.copy(orders)
        let added = await vouch(copied.byDestination)
        try await catalog.prove(added, asOf: mark, deposit: deposit)
        answers.proof.durable.merge(added.durable) { $0.union($1) }
    }

    /// Copies that a deposit makes now, of each chunk.
    private func goal(of level: ReplicationLevel) -> Int {
        min(level.copies, pool.accepting.count)
    }
}
