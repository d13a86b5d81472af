import DepotCore
import Logging
import Synchronization

/// The replicas: who can be asked what, now. Kept by `ReplicaMonitor`, and by what requests find out.
final class ReplicaPool: Sendable {
    struct Shared: Sendable {
        var members: [ReplicaID: Member] = [:]
        /// Which seat speaks for which replica.
        var owners: [ReplicaID: Int] = [:]
        /// Replicas that hold records newer than anything in the catalog.
        var ahead: [ReplicaID: String] = [:]
        /// What was found wrong with the catalog's file.
        var catalogDamage: DepotError?
        /// Seats that were asked at least once.
        var asked: Set<Int> = []
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isStopped = false
        /// Members that are being emptied.
        var draining: Set<ReplicaID> = []
        /// Taken off the member list; never let in again.
        var forgotten: Set<ReplicaID> = []
    }

    let seats: [ReplicaSeat]
    let cluster: ClusterIdentity
    let timing: FileServerConfiguration.Timing
    let clock: ServerClock
    let logger: Logger
    let shared: Mutex<Shared>
    let damage = DamageNotes()

    init(
        seats: [ReplicaSeat], members: [Member], cluster: ClusterIdentity,
        timing: FileServerConfiguration.Timing, clock: ServerClock, logger: Logger,
        draining: Set<ReplicaID> = [], forgotten: Set<ReplicaID> = []
    ) {
        self.seats = seats
        self.cluster = cluster
        self.timing = timing
        self.clock = clock
        self.logger = logger
        var shared = Shared()
        shared.draining = draining
        shared.forgotten = forgotten
        shared.members = Dictionary(uniqueKeysWithValues: members.map { ($0.replica, $0) })
        for (index, seat) in seats.enumerated() {
            if let replica = seat.replica { shared.owners[replica] = index }
        }
        self.shared = Mutex(shared)
    }

    // MARK: Who is there

    func seat(of replica: ReplicaID) -> ReplicaSeat? {
        shared.withLock { $0.owners[replica] }.map { seats[$0] }
    }

    /// The cluster's members, whether they can be asked or not.
    var members: Set<ReplicaID> { shared.withLock { Set($0.members.keys) } }

    func member(named name: String) -> ReplicaID? {
        shared.withLock { $0.members.values.first { $0.name == name }?.replica }
    }

    /// Members that can be asked, by state.
    private func members(where test: (ReplicaSeat.State) -> Bool) -> Set<ReplicaID> {
        let owners = shared.withLock { $0.owners }
        return Set(owners.filter { test(seats[$0.value].state.withLock { $0 }) }.keys)
    }

    /// Those that take writes.
    var writable: Set<ReplicaID> { members { $0.condition == .up } }

    /// Those that answer.
    var readable: Set<ReplicaID> {
        members { state in
            switch state.condition {
            case .up, .readOnly: true
            case .unknown, .down, .refused: false
            }
        }
    }

    /// How many replicas the cluster has that copies may be asked of: its members, but for those that are lost or
    /// being emptied, and configured ones that nobody has met yet.
    var size: Int {
        counting.count
            + seats.count { $0.isConfigured && $0.replica == nil && !Self.isRefused($0.condition) }
    }

    private static func isRefused(_ condition: ReplicaSeat.Condition) -> Bool {
        if case .refused = condition { true } else { false }
    }

    /// Ranks those that take writes. One that is full takes no copies, one that is being emptied only gives.
    var placement: Placement {
        let now = clock.elapsed()
        let (members, owners, draining) = shared.withLock { ($0.members, $0.owners, $0.draining) }
        return Placement(
            writable.union(readable.intersection(draining)).compactMap { replica in
                guard let member = members[replica], let owner = owners[replica] else { return nil }
                let hasRoom = seats[owner].state.withLock {
                    $0.fullUntil <= now && $0.standing?.freeBytes != 0
                }
                return PlacementCandidate(
                    replica: replica, zone: member.zone, weight: Double(member.capacity.bytes),
                    takesCopies: hasRoom, isLeaving: draining.contains(replica))
            })
    }

    /// Replicas to give new copies to only where nothing else is left: they stalled lately.
    var avoided: Set<ReplicaID> {
        let now = clock.elapsed()
        return members { $0.avoidedUntil > now }
    }

    /// Whether every replica that takes writes said lately that it is full.
    var isFull: Bool {
        let now = clock.elapsed()
        let writable = writable
        return !writable.isEmpty && writable.isSubset(of: members { $0.fullUntil > now })
    }

    func name(of replica: ReplicaID) -> String {
        shared.withLock { $0.members[replica]?.name } ?? replica.description
    }

    /// The replicas that take no writes, for people to read: `r2 (down: connection refused)`.
    var absentees: String {
        let absent = seats.compactMap { seat -> String? in
            guard !seat.state.withLock({ $0.isRetired }) else { return nil }
            let shown = description(of: seat)
            return shown.state == .up
                ? nil
                : "\(seat.name) (\(shown.state.rawValue): \(shown.problem ?? "no reason known"))"
        }
        if !absent.isEmpty { return "not up: " + absent.joined(separator: ", ") }
        return isFull ? "all replicas are up, but full" : "all replicas are up"
    }

    // MARK: Gates

    /// Waits until every replica was asked once, so that a FileServer that has just started does not take
    /// all of them for lost. Takes no longer than `probeLimit`.
    func ready() async {
        await withCheckedContinuation { waiting in
            let isReady = shared.withLock { shared in
                if shared.isStopped || shared.asked.count == seats.count { return true }
                shared.waiting.append(waiting)
                return false
            }
            if isReady { waiting.resume() }
        }
    }

    func wasAsked(_ index: Int) {
        let waiting = shared.withLock { shared -> [CheckedContinuation<Void, Never>] in
            shared.asked.insert(index)
            guard shared.asked.count == seats.count else { return [] }
            defer { shared.waiting = [] }
            return shared.waiting
        }
        for one in waiting { one.resume() }
    }

    /// Lets everybody go who waits for the first answers.
    func stop() {
        let waiting = shared.withLock { shared -> [CheckedContinuation<Void, Never>] in
            shared.isStopped = true
            defer { shared.waiting = [] }
            return shared.waiting
        }
        for one in waiting { one.resume() }
    }

    /// - Throws: `conflict` where a replica has seen commits that this catalog does not know; `storeFailed` where the
    ///   catalog is damaged.
    func requireCurrentCatalog() throws(DepotError) {
        let (damage, ahead) = shared.withLock { ($0.catalogDamage, $0.ahead.values.first) }
        if let damage {
            throw DepotError(
                .storeFailed, "the FileServer is read-only: \(damage.message)",
                object: damage.object, cause: damage.cause)
        }
        guard let found = ahead else { return }
        throw DepotError(
            .conflict,
            "the FileServer is read-only: \(found). The catalog was lost or is an older copy; "
                + "restore the right one, or run 'depot rebuild-catalog'")
    }

    /// Why nothing is written, for people to read.
    var problemWithCatalog: String? {
        do throws(DepotError) {
            try requireCurrentCatalog()
            return nil
        } catch {
            return "\(error)"
        }
    }

    func notEnough(_ what: String) -> DepotError {
        DepotError(.notEnoughReplicas, "\(what); \(absentees)")
    }
}
