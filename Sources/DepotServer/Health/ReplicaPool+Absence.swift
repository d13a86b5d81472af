import DepotCore
import DepotWire

// A replica that does not answer comes back, mostly: a restart, an update, a cable. Copying everything that it holds at
// once would cost more than it saves. So it counts as if it were there for a grace time, longer where it said that it
// was being stopped, and only then as lost. And where many are away at once it is the network that failed, or the
// FileServer's own link, and not so many disks: then nobody is lost until the operator says so.

extension ReplicaPool {
    /// Members that were away for so long that their copies count no more.
    var lost: Set<ReplicaID> {
        let now = clock.elapsed()
        let (members, owners) = shared.withLock { (Set($0.members.keys), $0.owners) }
        let absent = members.filter { replica in
            guard let owner = owners[replica] else { return true }
            return seats[owner].state.withLock { $0.awaySince != nil }
        }
        guard absent.count * 3 <= members.count else { return [] }
        return absent.filter { replica in
            guard let owner = owners[replica] else { return false }
            return seats[owner].state.withLock { state in
                let grace = state.isLeaving ? timing.maintenanceGrace : timing.lossGrace
                return state.awaySince.map { now - $0 >= grace } ?? false
            }
        }
    }

    /// Members whose good copies count: all but those that are lost or being emptied.
    var counting: Set<ReplicaID> {
        let (members, draining) = shared.withLock { (Set($0.members.keys), $0.draining) }
        return members.subtracting(draining).subtracting(lost)
    }

    /// For `status`.
    func description(of seat: ReplicaSeat) -> StatusBody.Replica {
        let replica = seat.replica
        return seat.description(
            at: clock.elapsed(), isLost: replica.map(lost.contains) ?? false,
            isDraining: replica.map { id in shared.withLock { $0.draining.contains(id) } } ?? false)
    }
}
