import DepotCore

// Whether this FileServer is the one that writes, see `WriterClaim`. Nothing here is decided for
// good: it writes while a majority of the members has accepted its claim and none of them knows
// more than its catalog. A member that accepted somebody else's keeps that, so who was taken over
// is read-only from then on.

extension ReplicaPool {
    /// So many members are more than half.
    package var majority: Int { shared.withLock { $0.majority } }

    /// Members that have accepted the claim, whether they answer now or not.
    package var claimed: Set<ReplicaID> { members { $0.accepted != nil }.intersection(members) }

    /// Whether members may be asked to accept the claim: a majority is known to be able to, and
    /// none of them is ahead of the catalog. One that could not get a majority must not keep the
    /// writer that there is from writing.
    var mayClaim: Bool {
        shared.withLock { shared in
            guard shared.ahead.isEmpty, shared.listedAhead.isEmpty, shared.catalogDamage == nil
            else { return false }
            return shared.members.isEmpty
                || shared.claimable.intersection(shared.members.keys).count >= shared.majority
        }
    }

    /// Whether one that is no member may be let in: by the writer, or as the first.
    var mayLetIn: Bool {
        guard mayClaim else { return false }
        return members.isEmpty || (claimed.count >= majority && isListSettled)
    }

    /// - Throws: `conflict` where somebody else has taken over.
    func refuseStranger() throws(DepotError) {
        let (majority, stranger) = shared.withLock { ($0.majority, $0.strangers.values.min()) }
        guard let stranger, claimed.count < majority else { return }
        throw DepotError(
            .conflict,
            "the FileServer is read-only, and stays so: \(stranger). Where the other one is right, "
                + "stop this one; where this is an older copy, put the right one back, or run "
                + "'depot rebuild-catalog'")
    }

    /// - Throws: `notEnoughReplicas`, saying whom it waits for.
    func requireClaim() throws(DepotError) {
        let claimed = claimed
        let (members, majority) = shared.withLock { (Set($0.members.keys), $0.majority) }
        guard claimed.count < majority else { return try requireSequences() }
        let missing = members.subtracting(claimed).map(name(of:)).sorted()
        let waiting = missing.isEmpty ? "" : " (waiting for \(missing.joined(separator: ", ")))"
        throw DepotError(
            .notEnoughReplicas,
            "the FileServer is read-only: \(majority) of \(members.count) members have to confirm "
                + "that its catalog is the newest, \(claimed.count) have\(waiting); \(absentees). "
                + "Where members are gone for good, 'depot forget NAME --accept-loss'")
    }

    /// Whether this start's claim is accepted and its sequences have not begun.
    var mayBegin: Bool {
        guard mayClaim, claimed.count >= majority else { return false }
        return shared.withLock { shared in
            if case .success = shared.sequencesBegun { false } else { true }
        }
    }

    /// - Parameter begun: the sequence before the first of this start, or why the catalog could not
    ///   note it.
    func note(begun: Result<CommitSequence, DepotError>) {
        shared.withLock { $0.began(sequences: begun) }
    }

    /// - Throws: why the catalog takes nothing.
    private func requireSequences() throws(DepotError) {
        guard let begun = shared.withLock({ $0.sequencesBegun }) else {
            throw DepotError(
                .busy, "the FileServer has just been confirmed to be the one that writes; try again"
            )
        }
        _ = try begun.get()
    }

    /// Waits for a probe where a majority would be there but for replicas that a request has just
    /// found silent: when a switch cuts every idle connection, all are there.
    ///
    /// - Throws: `notEnoughReplicas` where fewer than a majority take changes now: nothing can be
    ///   acknowledged.
    package func requireMajority() async throws(DepotError) {
        guard !shared.withLock({ $0.isFarAhead }) else {
            throw notEnough(
                "\(Self.unknownMax) changes are known to fewer than a majority, and no more are "
                    + "made until they are")
        }
        let deadline = context.clock.elapsed() + context.timing.suspicionLimit
        while takingChanges < majority {
            let suspected = members { $0.isSuspected && $0.accepted != nil }.intersection(members)
            guard takingChanges + suspected.count >= majority,
                context.clock.elapsed() < deadline, await context.clock.pause(.milliseconds(20))
            else {
                throw notEnough(
                    "a change has to be known to \(majority) of \(members.count) members, "
                        + "\(takingChanges) take changes now")
            }
        }
    }

    /// How many members take changes now.
    var takingChanges: Int { writable.intersection(members).count }

    /// Whether the member list of now is known to a majority of the members.
    package var isListSettled: Bool {
        let (revision, majority) = shared.withLock { ($0.revision, $0.majority) }
        let members = members
        guard !members.isEmpty else { return true }
        return self.members { $0.accepted == revision }.intersection(members).count >= majority
    }

    /// Keeps whether a member keeps a claim that this catalog does not know.
    package func note(stranger problem: String?, keptBy replica: ReplicaID) {
        let isNew = shared.withLock { $0.claimKept(by: replica, isForeign: problem) }
        guard isNew, let problem else { return }
        context.logger.critical("another FileServer writes", metadata: ["found": "\(problem)"])
    }

    /// Keeps whether a replica holds records that are newer than anything in the catalog.
    ///
    /// - Returns: whether that is new.
    func compared(_ finding: String?, with replica: ReplicaID) -> Bool {
        shared.withLock { $0.compared(finding, with: replica) }
    }

    /// Keeps whether a member knows a later member list.
    package func note(revision: UInt64, keptBy replica: ReplicaID, _ node: ReplicaNode) {
        shared.withLock { shared in
            shared.listKept(
                by: replica,
                isLater: revision > shared.revision
                    ? "replica \(node.name) knows revision \(revision) of the member list, the "
                        + "catalog \(shared.revision)" : nil)
        }
    }

    /// Keeps what a replica answered that was asked to accept the claim and to know of a commit.
    package func note(
        _ standing: ReplicaStanding, acceptedBy node: ReplicaNode, knowing sequence: CommitSequence
    ) {
        let membership = standing.membership
        let isOurs =
            membership?.writer != nil && membership?.writer == cluster.writer
            && membership?.epoch == cluster.epoch
        // What it says to know beyond may not be durable yet.
        let knows = isOurs && (standing.highestSequence ?? .first) >= sequence
        node.note {
            $0.answeredOffer(
                revision: isOurs ? membership?.revision : nil, knowing: knows ? sequence : nil)
        }
    }

    /// Members that know of a commit, durably.
    func knowing(_ sequence: CommitSequence) -> Set<ReplicaID> {
        members { $0.accepted != nil && $0.known.map { $0 >= sequence } ?? false }
            .intersection(members)
    }

    /// A member has vouched for the record of this commit.
    package func note(_ sequence: CommitSequence, knownTo replica: ReplicaID) {
        node(of: replica)?.note { $0.vouched(for: sequence) }
    }

    /// Has so many members know of a commit as are a majority: those that hold its record do
    /// already.
    func spread(_ sequence: CommitSequence) async {
        var asked: Set<ReplicaID> = []
        while true {
            let missing = majority - knowing(sequence).count
            guard missing > 0 else { return }
            let next = writable.intersection(members).subtracting(knowing(sequence))
                .subtracting(asked).sorted().prefix(missing)
            guard !next.isEmpty else { return }
            asked.formUnion(next)
            _ = await gather(next) { replica async throws(DepotError) in
                try await self.tell(replica, sequence)
            }
        }
    }

    /// Changes that a majority does not know of; half of what whoever takes over leaves room for.
    private static let unknownMax = CommitSequence.leap / 2

    /// Keeps whether commits have gone too far beyond what a majority knows of.
    func noteCommitted(_ latest: CommitSequence, isKnownToMajority: Bool) {
        if isKnownToMajority {
            shared.withLock { $0.majorityKnowsAll() }
            return
        }
        let known = members.compactMap { node(of: $0)?.state.known }.sorted(by: >)
        let place = majority - 1
        let common = known.indices.contains(place) ? known[place] : .first
        shared.withLock {
            $0.committed(latest, knownToMajority: common, unknownMax: Self.unknownMax)
        }
    }

    /// Tells all that have accepted the claim of the member list as it is now.
    package func settleList(_ sequence: CommitSequence) async {
        let told = claimed.filter { replica in
            if case .down = node(of: replica)?.condition { false } else { true }
        }
        _ = await gather(told) { replica async throws(DepotError) in
            try await self.tell(replica, sequence)
        }
    }

    /// Tells a member who belongs and how far commits go.
    private func tell(_ replica: ReplicaID, _ sequence: CommitSequence) async throws(DepotError) {
        let offer = MembershipOffer(membership(with: replica), sequence: sequence)
        let standing = try await ask(replica, within: .stall) {
            link async throws(DepotError) in
            try await link.adopt(offer)
        }
        if let node = node(of: replica) { note(standing, acceptedBy: node, knowing: sequence) }
    }
}
