import DepotCore

// A replica is who its folder says it is; its address may change. But two folders with one UUID (a
// disk that was copied) must not count as one copy, and a new folder at an old address must not
// pass for the old one.

extension ReplicaPool {
    /// Decides whether a node may speak for a replica.
    ///
    /// - Throws: `conflict` where another address speaks for it, or another replica is known at
    ///   this address; `unreachable` where that shows only when another address was asked.
    func claim(_ replica: ReplicaID, for index: Int) throws(DepotError) {
        let conditions = nodes.map(\.condition)
        let outcome = shared.withLock { shared -> Result<Int?, DepotError> in
            // Forgotten while it answered: its node is free for another one by now.
            if shared.forgotten.contains(replica) { return .failure(forgotten(replica)) }
            let expected = shared.owners.first { $0.value == index }?.key
            if let expected, expected != replica, let member = shared.members[expected] {
                return .failure(stranger(replica, insteadOf: member))
            }
            guard let owner = shared.owners[replica], owner != index else {
                shared.spokenFor(replica, by: index)
                return .success(nil)
            }
            switch conditions[owner] {
            case .unknown:
                return .failure(
                    DepotError(
                        .unreachable,
                        "replica \(replica) was known at \(nodes[owner].url); asking there first"))
            case .up, .readOnly:
                return .failure(twin(replica, of: owner))
            case .down, .refused:
                shared.spokenFor(replica, by: index)
                return .success(owner)
            }
        }
        if let left = try outcome.get() {
            nodes[left].note { $0.replicaLeft(isConfigured: nodes[left].isConfigured) }
            context.logger.notice(
                "a replica has another address now",
                metadata: ["replica": "\(replica)", "url": "\(nodes[index].url)"])
        }
    }

    private func stranger(_ replica: ReplicaID, insteadOf expected: Member) -> DepotError {
        DepotError(
            .conflict,
            "replica \(expected.replica) is known at this address, but \(replica) answers; it was "
                + "not touched. Bring the first one back, or give the new one an address of its "
                + "own; if the first one is gone for good, 'depot forget \(expected.name)' makes "
                + "room for the new one")
    }

    private func twin(_ replica: ReplicaID, of owner: Int) -> DepotError {
        DepotError(
            .conflict,
            "replica \(replica) answers here and at \(nodes[owner].url): its folder was copied, or "
                + "one daemon has two addresses. Only the other one is used; stop this one")
    }

    /// The membership that a replica is to confirm.
    package func membership(with replica: ReplicaID) -> ClusterMembership {
        let members = shared.withLock { Set($0.members.keys) }.union([replica])
        return ClusterMembership(
            cluster: cluster.cluster, epoch: cluster.epoch, members: members.sorted(),
            revision: shared.withLock { $0.revision }, writer: cluster.writer)
    }
}
