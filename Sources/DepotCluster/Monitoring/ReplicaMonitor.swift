import DepotCore
import Logging

/// Asks every replica, again and again, who and how it is; lets new ones in and keeps strangers
/// out.
struct ReplicaMonitor: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let greeting: ReplicaGreeting
    let comparer: InventoryComparer
    let prover: HoldingProver

    func run() async {
        // Who answers is heard first, all of them; then, where that is a majority, it accepts the
        // claim.
        await round(over: Array(pool.nodes.indices))
        await round(
            over: pool.nodes.indices.filter { index in
                pool.nodes[index].state.wasHeard
            })
        for index in pool.nodes.indices { pool.wasAsked(index) }
        await withTaskGroup(of: Void.self) { group in
            for index in pool.nodes.indices {
                group.addTask { await watch(index) }
            }
        }
        pool.stop()
    }

    private func round(over indices: [Int]) async {
        await withTaskGroup(of: Void.self) { group in
            for index in indices { group.addTask { await probe(index) } }
        }
    }

    private func watch(_ index: Int) async {
        let node = pool.nodes[index]
        repeat {
            await attend(node)
            guard await context.clock.pause(context.timing.monitorInterval) else { return }
            await probe(index)
        } while !node.state.isRetired
    }

    private func attend(_ node: ReplicaNode) async {
        guard let replica = node.replica, pool.writable.contains(replica) else { return }
        if node.state.mustCompare { await compare(replica, node) }
        let state = node.state
        if state.condition == .up && state.mustProve {
            await prover.prove(replica, node)
        }
    }

    private func probe(_ index: Int) async {
        let node = pool.nodes[index]
        let before = node.condition
        node.note { $0.probing() }
        do throws(DepotError) {
            try await greeting.greet(index)
        } catch {
            if Task.isCancelled { return }
            let now = context.clock.elapsed()
            node.note { $0.probeFailed(error, at: now) }
        }
        if node.condition != before { note(node) }
    }

    /// Learns what a replica holds that was lost, or whose log went back, or of which a rebuilt
    /// catalog knows nothing.
    private func compare(_ replica: ReplicaID, _ node: ReplicaNode) async {
        let opens = node.state.standing?.position.opens
        do throws(DepotError) {
            let report = try await comparer.compare(replica)
            pool.damage.add(.missing, report.missingListed, on: replica)
            node.note { $0.compared(opens: opens) }
            context.logger.notice(
                "a replica's inventory was compared",
                metadata: [
                    "replica": "\(node.name)", "entered": "\(report.entered)",
                    "missing": "\(report.missing)",
                ])
        } catch {
            if Task.isCancelled { return }
            context.logger.warning(
                "a replica's inventory could not be compared yet",
                metadata: ["replica": "\(node.name)", "error": "\(error)"])
        }
    }

    private func note(_ node: ReplicaNode) {
        let shown = pool.description(of: node)
        var metadata: Logger.Metadata = [
            "replica": "\(node.name)", "url": "\(node.url)", "state": "\(shown.state.rawValue)",
        ]
        if let problem = shown.problem { metadata["problem"] = "\(problem)" }
        context.logger.log(
            level: shown.state == .up ? .info : .warning, "replica state", metadata: metadata)
    }
}
