import DepotCore

// Who belongs is the catalog's to say; the pool keeps a copy, so that every decision sees it at
// once.

extension ReplicaPool {
    /// Those that are being emptied: they count for nothing and get nothing, but are read from.
    package var draining: Set<ReplicaID> { shared.withLock { $0.draining } }

    /// Members that are not being emptied, whether they can be reached or not: the cluster as it is
    /// meant to be.
    package var staying: Set<ReplicaID> {
        shared.withLock { $0.remaining }
    }

    package func setDraining(_ replica: ReplicaID, _ isDraining: Bool) {
        shared.withLock { $0.drainChanged(of: replica, to: isDraining) }
    }

    /// A member by its name, address, UUID or the UUID's first eight digits or more.
    ///
    /// - Throws: `notFound`, naming those that there are; `invalidArgument` where several are
    ///   meant.
    package func member(called text: String) throws(DepotError) -> Member {
        let members = shared.withLock { $0.members.values.sorted { $0.name < $1.name } }
        let exact = members.filter {
            $0.name == text || $0.url == text || $0.replica.description == text.lowercased()
        }
        if let found = exact.first { return found }
        let close =
            text.utf8.count < 8
            ? [] : members.filter { $0.replica.description.hasPrefix(text.lowercased()) }
        guard let found = close.first else {
            throw DepotError(
                .notFound,
                "no replica of this cluster is called so; there are "
                    + members.map(\.name).joined(separator: ", "), object: text)
        }
        guard close.count == 1 else {
            throw DepotError(.invalidArgument, "several replicas begin so", object: text)
        }
        return found
    }

    func member(_ replica: ReplicaID) -> Member? { shared.withLock { $0.members[replica] } }

    /// The catalog took a member in, or learnt something new about one.
    func admitted(_ member: Member) { shared.withLock { $0.admitted(member) } }

    // MARK: MemberRemoval

    /// Shuts the door before the catalog forgets, so that an answer under way lets nobody in again.
    package func bar(_ replica: ReplicaID) { shared.withLock { $0.barred(replica) } }

    package func unbar(_ replica: ReplicaID) {
        shared.withLock { $0.unbarred(replica) }
    }

    /// Takes it off the list of members. Its node is free for another one, or gone where no
    /// configuration names it.
    package func forget(_ replica: ReplicaID) {
        guard let owner = shared.withLock({ $0.forgot(replica) }) else { return }
        nodes[owner].note { $0.replicaForgotten(isConfigured: nodes[owner].isConfigured) }
    }

    /// The catalog's member list changed.
    package func listChanged(to revision: UInt64) {
        shared.withLock { $0.listChanged(to: revision) }
    }

    /// - Throws: `conflict` for one that was forgotten.
    func refuseForgotten(_ replica: ReplicaID) throws(DepotError) {
        guard shared.withLock({ $0.forgotten.contains(replica) }) else { return }
        throw forgotten(replica)
    }

    package func forgotten(_ replica: ReplicaID) -> DepotError {
        DepotError(
            .conflict,
            "replica \(replica) was taken off the member list by 'depot forget': what it holds may "
                + "be older than anything known, so it is never let in again. To use its disk, "
                + "start it with an empty data folder; else remove it from the configuration")
    }
}
