import DepotCore

// Who belongs is the catalog's to say; the pool keeps a copy, so that every decision sees it at once.

extension ReplicaPool {
    /// Those that are being emptied: they count for nothing and get nothing, but are read from.
    var draining: Set<ReplicaID> { shared.withLock { $0.draining } }

    /// Those that new copies go to.
    var accepting: Set<ReplicaID> { writable.subtracting(draining) }

    /// Members whose copies count.
    var lasting: Set<ReplicaID> {
        shared.withLock { Set($0.members.keys).subtracting($0.draining) }
    }

    func setDraining(_ replica: ReplicaID, _ isDraining: Bool) {
        shared.withLock { shared in
            if isDraining {
                shared.draining.insert(replica)
            } else {
                shared.draining.remove(replica)
            }
        }
    }

    /// A member by its name, address, UUID or the UUID's first eight digits or more.
    ///
    /// - Throws: `notFound`, naming those that there are; `invalidArgument` where several are meant.
    func member(called text: String) throws(DepotError) -> Member {
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

    // MARK: Forgetting

    /// Shuts the door before the catalog forgets, so that an answer under way lets nobody in again.
    func bar(_ replica: ReplicaID) { shared.withLock { _ = $0.forgotten.insert(replica) } }

    func unbar(_ replica: ReplicaID) { shared.withLock { _ = $0.forgotten.remove(replica) } }

    /// Takes it off the list of members. Its seat is free for another one, or gone where no configuration names it.
    func forget(_ replica: ReplicaID) {
        let owner = shared.withLock { shared -> Int? in
            shared.forgotten.insert(replica)
            shared.members[replica] = nil
            shared.draining.remove(replica)
            shared.ahead[replica] = nil
            return shared.owners.removeValue(forKey: replica)
        }
        guard let owner else { return }
        seats[owner].state.withLock { state in
            state.replica = nil
            state.standing = nil
            state.condition = .unknown
            state.mustProve = true
            state.isRetired = !seats[owner].isConfigured
        }
    }

    /// - Throws: `conflict` for one that was forgotten.
    func refuseForgotten(_ replica: ReplicaID) throws(DepotError) {
        guard shared.withLock({ $0.forgotten.contains(replica) }) else { return }
        throw forgotten(replica)
    }

    func forgotten(_ replica: ReplicaID) -> DepotError {
        DepotError(
            .conflict,
            "replica \(replica) was taken off the member list by 'depot forget': what it holds may be older "
                + "than anything known, so it is never let in again. To use its disk, start it with an empty "
                + "data folder; else remove it from the configuration")
    }
}
