import DepotCore

// A replica that answers is asked in this order: whether it belongs here, whether it knows more
// than the catalog, whose claim it keeps, whether its log goes on; and only then it is offered this
// start's claim. Whatever is wrong ends the greeting before the replica can be written to.

/// Hears one replica out: who it is, how it is, and whether this FileServer may write to it.
struct ReplicaGreeting: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any MembershipCatalog & ClusterCatalog & InventoryCatalog

    /// - Throws: `conflict`, `clusterMismatch` or `epochStale` for one that does not belong here.
    func greet(_ index: Int) async throws(DepotError) {
        let node = pool.nodes[index]
        let heardContinues = try await noteHeard(node)
        let mark = try await catalog.mark()
        var standing = try await ask(node) { link async throws(DepotError) in
            try await link.standing()
        }
        node.note { $0.heard() }
        try pool.refuseForgotten(standing.replica)
        try refuseForeign(standing)
        try pool.claim(standing.replica, for: index)
        try await compareSequences(standing, node)
        let kept = try await keptClaim(standing, node)
        if !pool.members.contains(standing.replica) {
            try await letIn(standing, replacing: kept.required(), node)
        }
        let continues = try await observe(
            standing.position, of: standing.replica, asOf: mark, at: node)
        if !continues || !heardContinues {
            node.note { $0.claimWithdrawn() }
        }
        if case .known(let claim) = kept, pool.mayClaim {
            standing = try await offer(to: standing, replacing: claim, node)
            try await admit(standing, node)
        }
        await beginSequences()
        let isDue = try await catalog.isInventoryDue(of: standing.replica)
        settle(
            standing, kept: kept, continues: continues && heardContinues, isInventoryDue: isDue,
            at: node)
    }

    // MARK: The claim

    /// The claim that a replica keeps in this epoch.
    private enum KeptClaim {
        /// This catalog made it, or nobody any.
        case known(WriterClaim?)
        /// Somebody else's: it is read from. Why, for people to read.
        case stranger(String)

        func required() throws(DepotError) -> WriterClaim? {
            switch self {
            case .known(let claim): return claim
            case .stranger(let problem): throw DepotError(.epochStale, problem)
            }
        }
    }

    private func keptClaim(
        _ standing: ReplicaStanding, _ node: ReplicaNode
    ) async throws(DepotError) -> KeptClaim {
        let replica = standing.replica
        let membership = standing.membership.flatMap { $0.epoch == pool.cluster.epoch ? $0 : nil }
        pool.note(revision: membership?.revision ?? 0, keptBy: replica, node)
        let claim = membership?.writer
        if claim == pool.cluster.writer { return .known(claim) }
        var isKnown = true
        if let claim { isKnown = try await catalog.hasMade(claim) }
        guard let claim, !isKnown else {
            pool.note(stranger: nil, keptBy: replica)
            return .known(claim)
        }
        let problem =
            "replica \(node.name) takes changes from another FileServer (its start "
            + "\(claim.number)) that this catalog does not know: this is an older copy, or the "
            + "other one runs on a copy of it, and has taken over"
        pool.note(stranger: problem, keptBy: replica)
        node.note { $0.claimWithdrawn() }
        return .stranger(problem)
    }

    /// Asks it to accept the claim of this start, and tells it who belongs and how far commits go;
    /// nothing is asked of one that knows all that.
    private func offer(
        to standing: ReplicaStanding, replacing kept: WriterClaim?, _ node: ReplicaNode
    ) async throws(DepotError) -> ReplicaStanding {
        let membership = pool.membership(with: standing.replica)
        let accepted = node.state.accepted
        if accepted == membership.revision, Self.isKnown(membership, to: standing) {
            return standing
        }
        let sequence = try await catalog.highestSequence()
        let offer = MembershipOffer(membership, replacing: kept, sequence: sequence)
        var answer = try await ask(node) { link async throws(DepotError) in
            try await link.adopt(offer)
        }
        answer.isLeaving = standing.isLeaving
        // What it knew when it took the claim counts, and not what it knew before.
        try await compareSequences(answer, node)
        pool.note(answer, acceptedBy: node, knowing: sequence)
        return answer
    }

    /// Once a majority has accepted the claim. A catalog whose disk takes nothing is asked again.
    private func beginSequences() async {
        guard pool.mayBegin, let claim = pool.cluster.writer else { return }
        do throws(DepotError) {
            pool.note(begun: .success(try await catalog.beginSequences(under: claim)))
        } catch {
            pool.note(begun: .failure(error))
        }
    }

    /// Takes in one that is no member yet. Only the writer may, and one after the other: the list
    /// before has to be known to a majority of those on it.
    private func letIn(
        _ standing: ReplicaStanding, replacing kept: WriterClaim?, _ node: ReplicaNode
    ) async throws(DepotError) {
        try await pool.listTurn.take(
            for: "a change of the member list", within: context.timing.barrierLimit
        ) {
            () async throws(DepotError) in
            // An older answer of a member may have come behind a newer one.
            if !pool.isListSettled {
                await pool.settleList(try await catalog.highestSequence())
            }
            guard pool.mayLetIn else {
                throw DepotError(
                    .unreachable,
                    "it is new, and is let in when this FileServer writes and its member list is "
                        + "known to a majority", object: standing.replica.description)
            }
            let answer = try await offer(to: standing, replacing: kept, node)
            try await admit(answer, node)
            pool.listChanged(to: try await catalog.memberRevision())
            await pool.settleList(try await catalog.highestSequence())
        }
    }

    /// Notes how far a log goes. That a catalog's disk takes nothing says nothing against the
    /// replica: it is read from as before. What could not be noted is noted first when there is
    /// room again, lest a log that went back and came on again passes for one that only came on.
    private func observe(
        _ position: LogPosition, of replica: ReplicaID, asOf mark: CatalogMark,
        at node: ReplicaNode
    ) async throws(DepotError) -> Bool {
        let unnoted = node.state.unnoted
        do throws(DepotError) {
            var continues = true
            if let unnoted {
                continues = try await catalog.observe(unnoted, of: replica, asOf: mark)
            }
            let continuesNow = try await catalog.observe(position, of: replica, asOf: mark)
            node.note { $0.positionNoted() }
            return continues && continuesNow
        } catch  where error.isCatalogUnwritable {
            return node.note { $0.positionNotNoted(position) }
        }
    }

    /// What it vouched for since it was last asked how far it goes was answered with a position of
    /// its own: a disk that was replaced right afterwards must not pass for the one that vouched.
    ///
    /// - Returns: whether its log continues.
    private func noteHeard(_ node: ReplicaNode) async throws(DepotError) -> Bool {
        // What a copy of its folder says at another address is not its word.
        guard let heard = node.link.heard, heard.replica == node.replica,
            pool.members.contains(heard.replica)
        else { return true }
        let mark = try await catalog.mark()
        return try await observe(heard.position, of: heard.replica, asOf: mark, at: node)
    }

    private func ask<Value: Sendable>(
        _ node: ReplicaNode,
        _ question: @escaping @Sendable (any ReplicaLink) async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let link = node.link
        return try await TimeLimit(clock: context.clock, limit: context.timing.probeLimit)
            .run("an answer of \(node.url)") { () async throws(DepotError) in
                try await question(link)
            }
    }

    private static func isKnown(
        _ membership: ClusterMembership, to standing: ReplicaStanding
    ) -> Bool {
        guard let known = standing.membership else { return false }
        return known.epoch == membership.epoch && known.writer == membership.writer
            && known.revision == membership.revision
            && Set(known.members) == Set(membership.members)
    }

    private func refuseForeign(_ standing: ReplicaStanding) throws(DepotError) {
        guard let membership = standing.membership else { return }
        guard membership.cluster == pool.cluster.cluster else {
            let advice =
                pool.members.isEmpty
                ? "This catalog is new and empty: if it stands in for one that was lost, run "
                    + "'depot rebuild-catalog'"
                : "Start it with an empty data folder, or remove it from the configuration"
            throw DepotError(
                .clusterMismatch,
                "replica \(standing.replica) belongs to cluster \(membership.cluster), this is "
                    + "\(pool.cluster.cluster); it was not touched. \(advice)")
        }
        guard membership.epoch <= pool.cluster.epoch else {
            throw DepotError(
                .epochStale,
                "replica \(standing.replica) has seen epoch \(membership.epoch), this catalog is "
                    + "of epoch \(pool.cluster.epoch): another catalog was rebuilt from the "
                    + "replicas. Use that one")
        }
    }

    /// A replica with newer records than the catalog has given makes the FileServer read-only.
    private func compareSequences(
        _ standing: ReplicaStanding, _ node: ReplicaNode
    ) async throws(DepotError) {
        // Asked after the replica answered: whatever we have written there ourselves is counted by
        // now.
        let known = try await catalog.highestSequence()
        let found: String? =
            if let highest = standing.highestSequence, highest > known {
                "replica \(node.name) holds a record of sequence \(highest), the catalog ends at "
                    + "\(known)"
            } else {
                nil
            }
        let isNew = pool.compared(found, with: standing.replica)
        if isNew, let found {
            context.logger.critical("read-only", metadata: ["reason": "\(found)"])
        }
    }

    private func admit(
        _ standing: ReplicaStanding, _ node: ReplicaNode
    ) async throws(DepotError) {
        let known = pool.member(standing.replica)
        // What the FileServer's operator says goes first, then what the replica's says.
        let remembered = node.isConfigured ? nil : known?.name
        let member = Member(
            replica: standing.replica,
            name: node.givenName ?? standing.name ?? remembered ?? node.fallbackName, url: node.url,
            zone: node.zone ?? standing.zone ?? known?.zone ?? ReplicaNode.defaultZone,
            capacity: node.capacity ?? ByteCount(standing.capacity),
            position: known?.position ?? standing.position)
        if member == known { return }
        try pool.refuseForgotten(standing.replica)
        do throws(DepotError) {
            try await catalog.admit(member)
        } catch  where error.isCatalogUnwritable && known != nil {
            return  // It is who it was; what is new about it is noted when there is room.
        }
        pool.admitted(member)
    }

    private func settle(
        _ standing: ReplicaStanding, kept: KeptClaim, continues: Bool, isInventoryDue: Bool,
        at node: ReplicaNode
    ) {
        let problem: String? = if case .stranger(let problem) = kept { problem } else { nil }
        let probe = NodeState.Probe(
            standing: standing, stranger: problem, continues: continues,
            isInventoryDue: isInventoryDue)
        node.note {
            $0.probed(
                probe, at: context.clock.elapsed(), lossGrace: context.timing.lossGrace)
        }
        if !continues {
            context.logger.warning(
                "a replica's log went back; its copies are proved again",
                metadata: ["replica": "\(node.name)"])
        }
    }
}
