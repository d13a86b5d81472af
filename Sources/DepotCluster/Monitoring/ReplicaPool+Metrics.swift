import DepotCore
import DepotMetrics
import DepotWire

extension ReplicaPool {
    /// A replica read copies from its disk, hashed them, and found so many to be wrong.
    package func note(corrupt copies: Int, on replica: ReplicaID) {
        guard copies > 0 else { return }
        node(of: replica)?.corruptCopies.wrappingAdd(UInt64(copies), ordering: .relaxed)
    }

    /// What monitoring calls each replica: its name, or, where two have one name, its address.
    package var labels: [ReplicaID: LabelValue] {
        Dictionary(
            labelledNodes.compactMap { node, label in node.replica.map { ($0, label) } }
        ) { first, _ in first }
    }

    private var labelledNodes: [(ReplicaNode, LabelValue)] {
        let shown = nodes.filter { !$0.state.isRetired }
        let counts = Dictionary(shown.map { ($0.name, 1) }, uniquingKeysWith: +)
        return shown.map { node in
            let isAlone = counts[node.name] == 1
            return (
                node,
                LabelValue(replica: isAlone ? node.name : ReplicaNode.authority(of: node.url))
            )
        }
    }

    /// Tells how replicas are, and whether changes are taken.
    package func collect(into samples: inout CollectedSamples) {
        let now = context.clock.elapsed()
        for (node, label) in labelledNodes { node.collect(into: &samples, as: label, at: now) }
        for (node, label) in labelledNodes {
            let shown = description(of: node).state
            for state in StatusBody.Replica.State.allCases {
                samples.set(.replicaState, label, LabelValue(state), to: state == shown)
            }
        }
        samples.set(.members, to: members.count)
        samples.set(.membersWritable, to: takingChanges)
        samples.set(.writable, to: takesChanges)
        samples.set(.catalogDamaged, to: shared.withLock { $0.catalogDamage != nil })
        samples.set(.catalogUnexplained, to: shared.withLock { !$0.unexplained.isEmpty })
    }

    /// Whether a change could be made now.
    private var takesChanges: Bool {
        do throws(DepotError) {
            try requireCurrentCatalog()
            let (majority, isFarAhead) = shared.withLock { ($0.majority, $0.isFarAhead) }
            return takingChanges >= majority && !isFarAhead
        } catch {
            return false
        }
    }
}

extension ReplicaNode {
    fileprivate func collect(
        into samples: inout CollectedSamples, as label: LabelValue, at now: Duration
    ) {
        let state = state
        samples.set(.replicaUp, label, to: state.answers)
        samples.set(.replicaMisbehaviours, label, to: state.misbehaviours)
        samples.set(.replicaCorrupt, label, to: corruptCopies.load(ordering: .relaxed))
        if let answeredAt = state.answeredAt {
            samples.set(.replicaAnswerAge, label, to: (now - answeredAt) / .seconds(1))
        }
        if let ends = link.certificateEnds {
            samples.set(.replicaCertificateExpiry, label, to: ends)
        }
        guard let standing = state.standing else { return }
        samples.set(.replicaCapacity, label, to: standing.capacity)
        samples.set(.replicaUsed, label, to: standing.usedBytes)
        samples.set(.replicaFree, label, to: standing.freeBytes)
    }
}

extension NodeState {
    fileprivate var answers: Bool {
        switch condition {
        case .up, .readOnly: true
        case .unknown, .down, .refused: false
        }
    }
}
