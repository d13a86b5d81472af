import DepotCore

/// A sentence on records that the catalog cannot explain, with what a file is called and without.
struct UnexplainedRecords: Sendable {
    let named: String
    let nameless: String
}

/// What a FileServer knows of its cluster as a whole: the members, and what keeps it from writing.
/// Pure; each change has a name, and nobody else writes these fields.
struct ClusterState: Sendable {
    private(set) var members: [ReplicaID: Member]
    /// The node that speaks for each replica, by its index.
    private(set) var owners: [ReplicaID: Int] = [:]
    /// Replicas that hold records newer than anything in the catalog, and a sentence on each.
    private(set) var ahead: [ReplicaID: String] = [:]
    /// Members whose claim this catalog knows, or that keep none: they may be asked to accept the
    /// claim of this start.
    private(set) var claimable: Set<ReplicaID> = []
    /// Members that keep a claim that this catalog does not know.
    private(set) var strangers: [ReplicaID: String] = [:]
    /// Members that know a later member list than this catalog.
    private(set) var listedAhead: [ReplicaID: String] = [:]
    /// The member list's revision.
    private(set) var revision: UInt64
    /// Replicas whose inventory showed records that the catalog cannot explain; nothing is
    /// collected.
    private(set) var unexplained: [ReplicaID: UnexplainedRecords] = [:]
    /// The sequence before the first of this start, or why the catalog could not note it; `nil`
    /// before a majority has accepted the claim.
    private(set) var sequencesBegun: Result<CommitSequence, DepotError>?
    /// Whether commits have gone far beyond what a majority knows of.
    private(set) var isFarAhead = false
    /// What was found wrong with the catalog's file.
    private(set) var catalogDamage: DepotError?
    /// Members that are being emptied.
    private(set) var draining: Set<ReplicaID>
    /// Replicas that were taken off the member list; none is ever let in again.
    private(set) var forgotten: Set<ReplicaID>
    /// Indexes of nodes that were asked at least once.
    private(set) var asked: Set<Int> = []
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var isStopped = false

    init(
        members: [Member], owners: [ReplicaID: Int], draining: Set<ReplicaID>,
        forgotten: Set<ReplicaID>, revision: UInt64
    ) {
        self.members = Dictionary(uniqueKeysWithValues: members.map { ($0.replica, $0) })
        self.owners = owners
        self.draining = draining
        self.forgotten = forgotten
        self.revision = revision
    }

    var majority: Int { members.count / 2 + 1 }

    /// Members that are not being emptied.
    var remaining: Set<ReplicaID> { Set(members.keys).subtracting(draining) }
}

// MARK: Members

extension ClusterState {
    mutating func admitted(_ member: Member) { members[member.replica] = member }

    mutating func listChanged(to revision: UInt64) { self.revision = revision }

    mutating func drainChanged(of replica: ReplicaID, to isDraining: Bool) {
        if isDraining { draining.insert(replica) } else { draining.remove(replica) }
    }

    /// From here on the replica is not let in.
    mutating func barred(_ replica: ReplicaID) { forgotten.insert(replica) }

    mutating func unbarred(_ replica: ReplicaID) { forgotten.remove(replica) }

    /// - Returns: the node that spoke for the replica.
    mutating func forgot(_ replica: ReplicaID) -> Int? {
        barred(replica)
        members[replica] = nil
        draining.remove(replica)
        ahead[replica] = nil
        unexplained[replica] = nil
        listedAhead[replica] = nil
        claimable.remove(replica)
        strangers[replica] = nil
        return owners.removeValue(forKey: replica)
    }

    /// A node speaks for a replica from here on.
    mutating func spokenFor(_ replica: ReplicaID, by node: Int) { owners[replica] = node }
}

// MARK: What keeps it from writing

extension ClusterState {
    /// - Parameter finding: a sentence, or `nil` where the replica knows no more than the catalog.
    /// - Returns: whether the finding is new.
    mutating func compared(_ finding: String?, with replica: ReplicaID) -> Bool {
        defer { ahead[replica] = finding }
        return finding != nil && ahead[replica] == nil
    }

    /// - Parameter problem: a sentence on the claim that the member keeps; `nil` where this catalog
    ///   knows the claim.
    /// - Returns: whether the problem is new.
    mutating func claimKept(by replica: ReplicaID, isForeign problem: String?) -> Bool {
        defer { strangers[replica] = problem }
        if problem == nil { claimable.insert(replica) } else { claimable.remove(replica) }
        return problem != nil && strangers[replica] == nil
    }

    /// - Parameter finding: a sentence where the member knows a later member list than the catalog.
    mutating func listKept(by replica: ReplicaID, isLater finding: String?) {
        listedAhead[replica] = finding
    }

    /// - Parameter finding: `nil` where an inventory showed no records that the catalog cannot
    ///   explain.
    mutating func inventoried(_ replica: ReplicaID, unexplained finding: UnexplainedRecords?) {
        unexplained[replica] = finding
    }

    /// The catalog was asked to begin the sequences of this start.
    mutating func began(sequences: Result<CommitSequence, DepotError>) {
        sequencesBegun = sequences
    }

    /// The latest commit is known to a majority.
    mutating func majorityKnowsAll() { isFarAhead = false }

    /// A commit is known to fewer than a majority.
    mutating func committed(
        _ latest: CommitSequence, knownToMajority common: CommitSequence, unknownMax: UInt64
    ) {
        var known = common
        if case .success(let begun) = sequencesBegun { known = max(known, begun) }
        isFarAhead = latest.counter >= known.counter + unknownMax
    }

    /// - Returns: whether the catalog was taken for sound until now. The first damage stays the one
    ///   that is told.
    mutating func catalogFound(damaged error: DepotError) -> Bool {
        defer { catalogDamage = catalogDamage ?? error }
        return catalogDamage == nil
    }
}

// MARK: The first answers

extension ClusterState {
    /// - Returns: whether all nodes were asked; else the continuation is resumed when they were.
    mutating func wait(
        _ waiter: CheckedContinuation<Void, Never>, forNodes count: Int
    ) -> Bool {
        if isStopped || asked.count == count { return true }
        waiting.append(waiter)
        return false
    }

    /// - Returns: continuations to resume.
    mutating func wasAsked(
        _ node: Int, of count: Int
    ) -> [CheckedContinuation<Void, Never>] {
        asked.insert(node)
        return asked.count == count ? takeWaiting() : []
    }

    /// - Returns: continuations to resume.
    mutating func stop() -> [CheckedContinuation<Void, Never>] {
        isStopped = true
        return takeWaiting()
    }

    private mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
        defer { waiting = [] }
        return waiting
    }
}
