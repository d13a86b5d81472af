import DepotCore

// Which replicas new copies and records go to.

extension ReplicaPool {
    /// Replicas that new copies go to: they take writes and are not being emptied.
    package var accepting: Set<ReplicaID> { writable.subtracting(draining) }

    /// Ranks those that take writes. One that is full takes no copies, one that is being emptied
    /// only gives.
    package var placement: Placement { placement(ofRecords: false) }

    /// The same for records: replicas keep a reserve for them, so that a deletion finds room where
    /// nothing else does.
    package var placementOfRecords: Placement { placement(ofRecords: true) }

    private func placement(ofRecords: Bool) -> Placement {
        let now = context.clock.elapsed()
        let (members, owners, draining) = shared.withLock { ($0.members, $0.owners, $0.draining) }
        return Placement(
            writable.union(readable.intersection(draining)).compactMap { replica in
                guard let member = members[replica], let owner = owners[replica] else { return nil }
                let state = nodes[owner].state
                let hasRoom =
                    ofRecords || state.fullUntil <= now && state.standing?.freeBytes != 0
                return PlacementCandidate(
                    replica: replica, zone: member.zone, weight: Double(member.capacity.bytes),
                    takesCopies: hasRoom, isLeaving: draining.contains(replica))
            })
    }

    /// Replicas to give new copies to only where nothing else is left: they stalled lately.
    package var avoided: Set<ReplicaID> {
        let now = context.clock.elapsed()
        return members { $0.avoidedUntil > now }
    }

    /// Nodes of replicas that said lately that they are full.
    var fullOnes: [ReplicaNode] {
        let now = context.clock.elapsed()
        return nodes.filter { node in
            let state = node.state
            return state.condition == .up && state.fullUntil > now
        }
    }

    /// They are asked to take copies once more; one that still has no room says so.
    package func tryFullOnes() {
        for node in fullOnes { node.note { $0.mayHaveRoom() } }
    }

    /// Those that take writes and have no room, or little: they said so lately, or less than a
    /// tenth is free.
    package var short: Set<ReplicaID> {
        let now = context.clock.elapsed()
        return members { state in
            guard state.condition == .up, let standing = state.standing else { return false }
            return state.fullUntil > now || standing.freeBytes < standing.capacity / 10
        }
    }

    /// Whether every replica that takes writes said lately that it is full.
    package var isFull: Bool {
        let now = context.clock.elapsed()
        let writable = writable
        return !writable.isEmpty && writable.isSubset(of: members { $0.fullUntil > now })
    }
}
