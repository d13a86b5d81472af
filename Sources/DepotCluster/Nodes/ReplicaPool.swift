import DepotCore
import Logging
import Synchronization

/// The replicas: who can be asked what, now. Kept by `ReplicaMonitor`, and by what requests find
/// out.
package final class ReplicaPool: Sendable {
    package let nodes: [ReplicaNode]
    package let cluster: ClusterIdentity
    package let context: ServerContext
    let shared: Mutex<ClusterState>
    package let damage = DamageNotes()
    /// One change of the member list at a time.
    package let listTurn = Turn()

    package init(
        nodes: [ReplicaNode], members: [Member], cluster: ClusterIdentity,
        context: ServerContext,
        draining: Set<ReplicaID> = [], forgotten: Set<ReplicaID> = [], revision: UInt64 = 0
    ) {
        self.nodes = nodes
        self.cluster = cluster
        self.context = context
        var owners: [ReplicaID: Int] = [:]
        for (index, node) in nodes.enumerated() {
            if let replica = node.replica { owners[replica] = index }
        }
        shared = Mutex(
            ClusterState(
                members: members, owners: owners, draining: draining, forgotten: forgotten,
                revision: revision))
    }

    // MARK: Who is there

    package func node(of replica: ReplicaID) -> ReplicaNode? {
        shared.withLock { $0.owners[replica] }.map { nodes[$0] }
    }

    /// The cluster's members, whether they can be asked or not.
    package var members: Set<ReplicaID> { shared.withLock { Set($0.members.keys) } }

    package func member(named name: String) -> ReplicaID? {
        shared.withLock { $0.members.values.first { $0.name == name }?.replica }
    }

    /// Members that can be asked, by state.
    package func members(where test: (NodeState) -> Bool) -> Set<ReplicaID> {
        let owners = shared.withLock { $0.owners }
        return Set(owners.filter { test(nodes[$0.value].state) }.keys)
    }

    /// Those that take writes, from this FileServer.
    package var writable: Set<ReplicaID> { members { $0.condition == .up && $0.accepted != nil } }

    /// Those that answer.
    package var readable: Set<ReplicaID> {
        members { state in
            switch state.condition {
            case .up, .readOnly: true
            case .unknown, .down, .refused: false
            }
        }
    }

    /// How many replicas the cluster has that copies may be asked of: its members, but for those
    /// that are lost or being emptied, and configured ones that nobody has met yet.
    package var size: Int { countedForRepair.count + newcomers }

    private var newcomers: Int {
        nodes.count { $0.isConfigured && $0.replica == nil && !Self.isRefused($0.condition) }
    }

    /// - Throws: `notEnoughReplicas` for a level that no deposit can reach. Members that are lost
    ///   may come back, or others come in their place: files of such a level are degraded until
    ///   then.
    package func requireMembers(for level: ReplicationLevel) throws(DepotError) {
        let size = staying.count + newcomers
        guard level.copies > size else { return }
        throw notEnough("level \(level) asks for \(level.copies) replicas, the cluster has \(size)")
    }

    private static func isRefused(_ condition: NodeState.Condition) -> Bool {
        if case .refused = condition { true } else { false }
    }

    package func name(of replica: ReplicaID) -> String {
        shared.withLock { $0.members[replica]?.name } ?? replica.description
    }

    /// The replicas that take no writes, for people to read: `r2 (down: connection refused)`.
    package var absentees: String {
        let absent = nodes.compactMap { node -> String? in
            guard !node.state.isRetired else { return nil }
            let shown = description(of: node)
            return shown.state == .up
                ? nil
                : "\(node.name) (\(shown.state.rawValue): \(shown.problem ?? "no reason known"))"
        }
        if isFull, absent.isEmpty { return "all replicas are up, but full" }
        let full = fullOnes.map(\.name)
        let reasons = [
            absent.isEmpty ? nil : "not up: " + absent.joined(separator: ", "),
            full.isEmpty ? nil : "full a moment ago: " + full.joined(separator: ", "),
        ].compactMap { $0 }
        return reasons.isEmpty ? "all replicas are up" : reasons.joined(separator: "; ")
    }

    // MARK: Gates

    /// Waits until every replica was asked once, so that a FileServer that has just started does
    /// not take all of them for lost. Takes no longer than `probeLimit`.
    package func ready() async {
        await withCheckedContinuation { waiting in
            let isReady = shared.withLock { $0.wait(waiting, forNodes: nodes.count) }
            if isReady { waiting.resume() }
        }
    }

    func wasAsked(_ index: Int) {
        let waiting = shared.withLock { $0.wasAsked(index, of: nodes.count) }
        for one in waiting { one.resume() }
    }

    /// Lets everybody go who waits for the first answers.
    func stop() {
        let waiting = shared.withLock { $0.stop() }
        for one in waiting { one.resume() }
    }

    package func notEnough(_ what: String) -> DepotError {
        DepotError(.notEnoughReplicas, "\(what); \(absentees)")
    }
}
