import DepotCore

// One replica is asked, probed and judged by many tasks at once. All that they find out meets here,
// and each finding is a transition with a name: nobody else writes these fields, so that no two of
// them contradict each other.

/// How the replica at one address was last found. Pure: times come in, nothing is asked.
package struct NodeState: Sendable {
    package enum Condition: Sendable, Equatable {
        /// Not asked yet.
        case unknown
        case up
        /// Answers, but takes no writes.
        case readOnly(String)
        /// Did not answer, or a request to it failed.
        case down(String)
        /// Answers as something else than is expected here. Nothing is asked of it.
        case refused(String)
    }

    private(set) var condition = Condition.unknown
    /// The status that the replica gave last.
    package private(set) var standing: ReplicaStanding?
    /// The replica that is, or was, found here.
    package private(set) var replica: ReplicaID?
    /// Whether a request found the replica silent, and no probe has told since: it may be that but
    /// a connection was cut.
    private(set) var isSuspected = false
    /// Whether the replica said its id when it was probed last.
    private(set) var wasHeard = false
    /// The revision of the member list that the replica keeps with this FileServer's claim; `nil`
    /// while it has not accepted the claim, or takes changes from another FileServer by now.
    private(set) var accepted: UInt64?
    /// The highest sequence that the replica durably knows, of all that it said since it accepted
    /// the claim.
    private(set) var known: CommitSequence?
    /// The replica takes no new copies before this moment of running time: it stalled.
    private(set) var avoidedUntil = Duration.zero
    /// The last answer that no replica may give, and when it came.
    private(set) var misbehaviour: (what: String, at: Duration)?
    /// How often it gave such an answer.
    private(set) var misbehaviours: UInt64 = 0
    /// When the replica last said how it is, in running time; `nil` before it first did.
    private(set) var answeredAt: Duration?
    /// The replica takes no new copies before this moment of running time: it was full.
    private(set) var fullUntil = Duration.zero
    /// Since when the replica does not answer, in running time; `nil` while it answers. No replica
    /// is away longer than the FileServer runs.
    private(set) var awaySince: Duration? = Duration.zero
    /// Whether the replica said that it was being stopped when it was last heard.
    private(set) var isLeaving = false
    /// Whether unproved holdings are still to be proved.
    private(set) var mustProve = true
    /// Whether the replica's inventory is to be compared with the catalog: the replica was lost, it
    /// was started again, its log went back, or the catalog was rebuilt without it.
    private(set) var mustCompare = false
    /// How often the replica's folder had been opened when its inventory was compared last.
    private(set) var comparedOpens: UInt64?
    /// The log position that was heard and that the catalog could not note: of several the lowest
    /// of each part.
    private(set) var unnoted: LogPosition?
    /// Whether the replica was found at another address, and no configuration names this one.
    package private(set) var isRetired = false

    init(replica: ReplicaID?) { self.replica = replica }
}

// MARK: Probes

extension NodeState {
    /// A probe begins.
    mutating func probing() { wasHeard = false }

    /// The replica said its id.
    mutating func heard() { wasHeard = true }

    /// A probe failed.
    mutating func probeFailed(_ error: DepotError, at now: Duration) {
        awaySince = awaySince ?? now
        isSuspected = false
        if error.code == .misbehaving { misbehaviours &+= 1 }
        // A member that follows a rebuilt catalog by now does not keep the claim that it had
        // accepted.
        if error.code == .clusterMismatch || error.code == .epochStale { claimWithdrawn() }
        condition =
            switch error.code {
            case .conflict, .clusterMismatch, .epochStale: .refused(error.message)
            case .misbehaving: .refused("misbehaving: \(error.message)")
            default: .down(error.description)
            }
    }

    /// What a probe found out.
    struct Probe {
        let standing: ReplicaStanding
        /// Why another FileServer's claim keeps this one from writing to the replica; `nil` where
        /// it does not.
        let stranger: String?
        /// Whether its log goes on where it was.
        let continues: Bool
        let isInventoryDue: Bool
    }

    /// A probe succeeded.
    ///
    /// - Parameter lossGrace: after so long a silence the inventory is compared.
    mutating func probed(_ probe: Probe, at now: Duration, lossGrace: Duration) {
        let standing = probe.standing
        replica = standing.replica
        self.standing = standing
        if let since = awaySince, now - since >= lossGrace { mustCompare = true }
        awaySince = nil
        answeredAt = now
        isSuspected = false
        isLeaving = standing.isLeaving
        condition =
            standing.isLeaving
            ? .readOnly("it is being stopped")
            : standing.writable
                ? .up : .readOnly("it takes no writes after an I/O error; restart it")
        // One whose records cannot be explained stays due; it is not compared again and again.
        if probe.isInventoryDue, comparedOpens != standing.position.opens { mustCompare = true }
        if let problem = probe.stranger { condition = .readOnly(problem) }
        if !probe.continues { (mustProve, mustCompare) = (true, true) }
    }

    /// The catalog noted the log position.
    mutating func positionNoted() { unnoted = nil }

    /// The catalog could not note a log position; it is kept until it can.
    ///
    /// - Returns: whether the log goes on where it was, as far as the last status tells.
    mutating func positionNotNoted(_ position: LogPosition) -> Bool {
        unnoted = unnoted.map { LogPosition(lowestOf: $0, position) } ?? position
        return standing.map { position.continues($0.position) } ?? true
    }
}

// MARK: Copies to prove

extension NodeState {
    /// Holdings are being proved from here on.
    mutating func proving() { mustProve = false }

    /// Holdings are still, or again, to be proved.
    mutating func proofIsDue() { mustProve = true }

    /// The inventory was compared; what it entered is still to be proved.
    ///
    /// - Parameter opens: how often the folder had been opened when the comparison began.
    mutating func compared(opens: UInt64?) {
        mustCompare = false
        comparedOpens = opens
        mustProve = true
    }
}

// MARK: The claim

extension NodeState {
    /// The replica has not accepted this start's claim, or must accept it again.
    mutating func claimWithdrawn() { (accepted, known) = (nil, nil) }

    /// The replica answered an offer.
    ///
    /// - Parameters:
    ///   - revision: of the member list that it keeps with this FileServer's claim; `nil` where it
    ///     keeps another claim.
    ///   - sequence: the one that it durably knows; `nil` where it knows less than was offered.
    mutating func answeredOffer(revision: UInt64?, knowing sequence: CommitSequence?) {
        // Of two answers the older one may come last. A replica whose folder went back is asked
        // anew.
        accepted = revision.map { max($0, accepted ?? $0) }
        if revision == nil { known = nil }
        if let sequence { known = max(known ?? sequence, sequence) }
    }

    /// The replica vouched for the record of this commit.
    mutating func vouched(for sequence: CommitSequence) {
        guard accepted != nil else { return }
        known = max(known ?? sequence, sequence)
    }
}

// MARK: Requests

extension NodeState {
    /// A request failed.
    ///
    /// - Parameter avoidance: so long the replica gets no new copies where it was full, or
    ///   misbehaved.
    /// - Returns: whether that says something new about the replica.
    mutating func requestFailed(
        _ error: DepotError, at now: Duration, avoidance: Duration
    ) -> Bool {
        switch error.code {
        // A conflict: another replica answers at the address.
        case .unreachable, .internalError, .conflict:
            guard condition == .up || condition == .unknown else { return false }
            condition = .down(error.description)
            isSuspected = true
            return true
        case .misbehaving:
            // Not away: its copies count, and other replicas are asked for them.
            defer { misbehaviour = (error.message, now) }
            misbehaviours &+= 1
            avoidedUntil = now + avoidance
            return misbehaviour?.what != error.message
        case .storeFailed:
            condition = .readOnly(error.description)
            return true
        case .storageFull:
            fullUntil = now + avoidance
            return true
        case .clusterMismatch, .epochStale:
            condition = .refused(error.description)
            claimWithdrawn()
            return true
        default:
            return false
        }
    }

    /// The replica made no progress.
    ///
    /// - Returns: whether that is new.
    mutating func stalled(at now: Duration, avoidance: Duration) -> Bool {
        defer { avoidedUntil = now + avoidance }
        return avoidedUntil <= now
    }

    /// There may be room on the replica again: it is asked once more.
    package mutating func mayHaveRoom() { fullUntil = .zero }
}

// MARK: Who is here

extension NodeState {
    /// The replica has another address now.
    mutating func replicaLeft(isConfigured: Bool) {
        replica = nil
        isRetired = !isConfigured
    }

    /// The replica was taken off the member list.
    mutating func replicaForgotten(isConfigured: Bool) {
        replicaLeft(isConfigured: isConfigured)
        standing = nil
        condition = .unknown
        isSuspected = false
        claimWithdrawn()
        mustProve = true
    }

    /// A rebuild heard the replica; nothing is written to the replica but a new epoch.
    package mutating func answeredRebuild(_ standing: ReplicaStanding) {
        (self.standing, condition) = (standing, .up)
    }

    /// A rebuild did not bring the replica to the new epoch: it is only read.
    package mutating func keptOldEpoch(_ standing: ReplicaStanding?) {
        self.standing = standing
        condition = .readOnly("it did not take the new epoch")
    }
}
