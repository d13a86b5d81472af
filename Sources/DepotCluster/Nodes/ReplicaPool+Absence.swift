import DepotCore
import DepotWire

// A replica that does not answer comes back, mostly: a restart, an update, a cable. Copying
// everything that it holds at once would cost more than it saves. So it counts as if it were there
// for a grace time, longer where it said that it was being stopped, and only then as lost. And
// where many are away at once it is the network that failed, or the FileServer's own link, and not
// so many disks: then nobody is lost until the operator says so.

extension ReplicaPool {
    /// Members that were away for so long that their copies are made elsewhere.
    package var lost: Set<ReplicaID> {
        let (members, owners) = shared.withLock { (Set($0.members.keys), $0.owners) }
        let away = members.filter { replica in
            guard let owner = owners[replica] else { return true }
            return nodes[owner].state.awaySince != nil
        }
        return away.count * 3 <= members.count ? overdue : []
    }

    /// Members that are away for longer than their grace time.
    package var overdue: Set<ReplicaID> {
        let now = context.clock.elapsed()
        let (members, owners) = shared.withLock { (Set($0.members.keys), $0.owners) }
        return members.filter { replica in
            guard let owner = owners[replica] else { return false }
            let state = nodes[owner].state
            let grace =
                state.isLeaving ? context.timing.maintenanceGrace : context.timing.lossGrace
            return state.awaySince.map { now - $0 >= grace } ?? false
        }
    }

    /// The other members, those that are being emptied included: a last copy may be left on them.
    package var present: Set<ReplicaID> { members.subtracting(overdue) }

    /// Members whose good copies count in `status`, `info`, `verify` and `simulate`: neither being
    /// emptied nor away for longer than their grace time. Where so many are away that `lost` is
    /// empty this says all the same how many copies can be read: the health of a file is one
    /// question, repairing it another.
    package var countedForStatus: Set<ReplicaID> { present.subtracting(draining) }

    /// Members whose good copies count where copies are made or dropped: neither being emptied nor
    /// lost.
    package var countedForRepair: Set<ReplicaID> {
        let staying = staying
        return staying.subtracting(lost)
    }

    /// For `status`.
    package func description(of node: ReplicaNode) -> StatusBody.Replica {
        let replica = node.replica
        return node.description(
            at: context.clock.elapsed(), context.clock.timestamp(),
            isLost: replica.map(lost.contains) ?? false,
            isDraining: replica.map { id in shared.withLock { $0.draining.contains(id) } } ?? false)
    }
}
