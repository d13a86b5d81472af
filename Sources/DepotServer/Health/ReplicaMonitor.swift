import DepotCore
import Logging

/// Asks every replica, again and again, who and how it is; lets new ones in and keeps strangers out.
struct ReplicaMonitor: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let comparer: InventoryComparer
    let prover: HoldingProver

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for index in pool.seats.indices {
                group.addTask { await watch(index) }
            }
        }
        pool.stop()
    }

    private func watch(_ index: Int) async {
        let seat = pool.seats[index]
        repeat {
            await probe(index)
            if let replica = seat.replica {
                if seat.state.withLock({ $0.condition == .up && $0.mustCompare }) {
                    await compare(replica, seat)
                }
                if seat.state.withLock({ $0.condition == .up && $0.mustProve }) {
                    await prover.prove(replica, seat)
                }
            }
            if seat.state.withLock({ $0.isRetired }) { return }
        } while await pool.clock.pause(pool.timing.monitorInterval)
    }

    private func probe(_ index: Int) async {
        let seat = pool.seats[index]
        let before = seat.condition
        do throws(DepotError) {
            try await greet(index)
        } catch {
            if Task.isCancelled { return }
            let now = pool.clock.elapsed()
            seat.state.withLock { state in
                state.awaySince = state.awaySince ?? now
                state.condition =
                    switch error.code {
                    case .conflict, .clusterMismatch, .epochStale: .refused(error.message)
                    default: .down(error.description)
                    }
            }
        }
        pool.wasAsked(index)
        if seat.condition != before { note(seat) }
    }

    /// Learns what a replica holds that was lost, or whose log went back, or of which a rebuilt catalog knows nothing.
    private func compare(_ replica: ReplicaID, _ seat: ReplicaSeat) async {
        do throws(DepotError) {
            let report = try await comparer.compare(replica)
            pool.damage.add(.missing, report.missingListed, on: replica)
            seat.state.withLock { state in
                state.mustCompare = false
                state.mustProve = true
            }
            pool.logger.notice(
                "a replica's inventory was compared",
                metadata: [
                    "replica": "\(seat.name)", "entered": "\(report.entered)",
                    "missing": "\(report.missing)",
                ])
        } catch {
            if Task.isCancelled { return }
            pool.logger.warning(
                "a replica's inventory could not be compared yet",
                metadata: ["replica": "\(seat.name)", "error": "\(error)"])
        }
    }

    private func note(_ seat: ReplicaSeat) {
        let shown = pool.description(of: seat)
        var metadata: Logger.Metadata = [
            "replica": "\(seat.name)", "url": "\(seat.url)", "state": "\(shown.state.rawValue)",
        ]
        if let problem = shown.problem { metadata["problem"] = "\(problem)" }
        pool.logger.log(
            level: shown.state == .up ? .info : .warning, "replica state", metadata: metadata)
    }

    /// - Throws: `conflict`, `clusterMismatch` or `epochStale` for one that does not belong here.
    private func greet(_ index: Int) async throws(DepotError) {
        let seat = pool.seats[index]
        try await noteHeard(seat)
        let mark = try await catalog.mark()
        var standing = try await ask(seat) { link async throws(DepotError) in
            try await link.standing()
        }
        try pool.refuseForgotten(standing.replica)
        try refuseForeign(standing)
        try pool.claim(standing.replica, for: index)
        let membership = pool.membership(with: standing.replica)
        if !Self.isKnown(membership, to: standing) {
            standing = try await ask(seat) { link async throws(DepotError) in
                try await link.adopt(membership)
            }
        }
        try await compareSequences(standing, seat)
        try await admit(standing, seat)
        let continues = try await catalog.observe(
            standing.position, of: standing.replica, asOf: mark)
        settle(standing, continues, seat)
    }

    /// What it vouched for since it was last asked how far it goes was answered with a position of its own: a disk that
    /// was replaced right afterwards must not pass for the one that vouched.
    private func noteHeard(_ seat: ReplicaSeat) async throws(DepotError) {
        guard let heard = seat.link.heard,
            pool.shared.withLock({ $0.members[heard.replica] != nil })
        else { return }
        let mark = try await catalog.mark()
        _ = try await catalog.observe(heard.position, of: heard.replica, asOf: mark)
    }

    private func ask<Value: Sendable>(
        _ seat: ReplicaSeat,
        _ question: @escaping @Sendable (any ReplicaLink) async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let link = seat.link
        return try await TimeLimit(clock: pool.clock, limit: pool.timing.probeLimit)
            .run("an answer of \(seat.url)") { () async throws(DepotError) in
                try await question(link)
            }
    }

    private static func isKnown(
        _ membership: ClusterMembership, to standing: ReplicaStanding
    ) -> Bool {
        guard let known = standing.membership else { return false }
        return known.epoch == membership.epoch && Set(known.members) == Set(membership.members)
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
                "replica \(standing.replica) has seen epoch \(membership.epoch), this catalog is of "
                    + "epoch \(pool.cluster.epoch): another catalog was rebuilt from the replicas. "
                    + "Use that one")
        }
    }

    /// A replica with newer records than the catalog has given makes the FileServer read-only.
    private func compareSequences(
        _ standing: ReplicaStanding, _ seat: ReplicaSeat
    ) async throws(DepotError) {
        // Asked after the replica answered: whatever we have written there ourselves is counted by now.
        let known = try await catalog.highestSequence()
        let found: String? =
            if let highest = standing.highestSequence, highest > known {
                "replica \(seat.name) holds a record of sequence \(highest), the catalog ends at \(known)"
            } else {
                nil
            }
        let isNew = pool.shared.withLock { shared in
            defer { shared.ahead[standing.replica] = found }
            return found != nil && shared.ahead[standing.replica] == nil
        }
        if isNew, let found {
            pool.logger.critical("read-only", metadata: ["reason": "\(found)"])
        }
    }

    private func admit(
        _ standing: ReplicaStanding, _ seat: ReplicaSeat
    ) async throws(DepotError) {
        let known = pool.shared.withLock { $0.members[standing.replica] }
        // What the FileServer's operator says goes first, then what the replica's says.
        let remembered = seat.isConfigured ? nil : known?.name
        let member = Member(
            replica: standing.replica,
            name: seat.givenName ?? standing.name ?? remembered ?? seat.fallbackName, url: seat.url,
            zone: seat.zone ?? standing.zone ?? known?.zone ?? ReplicaSeat.defaultZone,
            capacity: seat.capacity ?? ByteCount(standing.capacity),
            position: known?.position ?? standing.position)
        if member == known { return }
        try pool.refuseForgotten(standing.replica)
        try await catalog.admit(member)
        pool.shared.withLock { $0.members[member.replica] = member }
    }

    private func settle(
        _ standing: ReplicaStanding, _ continues: Bool, _ seat: ReplicaSeat
    ) {
        let now = pool.clock.elapsed()
        seat.state.withLock { state in
            state.replica = standing.replica
            state.standing = standing
            if let since = state.awaySince, now - since >= pool.timing.lossGrace {
                state.mustCompare = true
            }
            state.awaySince = nil
            state.isLeaving = standing.isLeaving
            state.condition =
                standing.isLeaving
                ? .readOnly("it is being stopped")
                : standing.writable
                    ? .up : .readOnly("it takes no writes after an I/O error; restart it")
            if !continues {
                state.mustProve = true
                state.mustCompare = true
            }
        }
        if !continues {
            pool.logger.warning(
                "a replica's log went back; its copies are proved again",
                metadata: ["replica": "\(seat.name)"])
        }
    }
}
