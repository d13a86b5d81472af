import DepotCore
import DepotWire
import Synchronization

/// A place where a replica is expected: its address, the link there, and how it was last found.
final class ReplicaSeat: Sendable {
    enum Condition: Sendable, Equatable {
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

    struct State: Sendable {
        var condition = Condition.unknown
        /// What it said last.
        var standing: ReplicaStanding?
        /// Who is, or was, found here.
        var replica: ReplicaID?
        /// Takes no new copies before this, in running time: it stalled.
        var avoidedUntil = Duration.zero
        /// The same, because it was full.
        var fullUntil = Duration.zero
        /// Since when it does not answer, in running time; `nil` while it does. Nobody is away longer than the
        /// FileServer runs.
        var awaySince: Duration? = Duration.zero
        /// It said that it was being stopped when it was last heard.
        var isLeaving = false
        /// Whether its unproved holdings are still to be proved.
        var mustProve = true
        /// Whether what it holds is to be compared with the catalog: it was lost, its log went back, or the catalog
        /// was rebuilt without it.
        var mustCompare = false
        /// Its replica was found at another address, and no configuration names this one.
        var isRetired = false
    }

    let url: String
    /// As configured; `nil` leaves it to the replica, and then to the catalog.
    let givenName: String?
    /// Where neither configuration nor replica says one.
    let fallbackName: String
    let zone: String?
    let capacity: ByteCount?
    /// Whether the configuration names it; else it is here because the catalog has a member with the address.
    let isConfigured: Bool
    let link: any ReplicaLink
    let state: Mutex<State>
    /// Bytes that are being read from it.
    let load = Atomic<Int>(0)

    init(
        url: String, givenName: String?, fallbackName: String, zone: String?,
        capacity: ByteCount?, isConfigured: Bool, member: ReplicaID?, link: any ReplicaLink
    ) {
        self.url = url
        self.givenName = givenName
        self.fallbackName = fallbackName
        self.zone = zone
        self.capacity = capacity
        self.isConfigured = isConfigured
        self.link = link
        var state = State()
        state.replica = member
        self.state = Mutex(state)
    }

    static let defaultZone = "default"

    /// `host:port` of an address.
    static func authority(of url: String) -> String {
        let rest = url.split(separator: "://", maxSplits: 1).last.map(String.init) ?? url
        return rest.split(separator: "/").first.map(String.init) ?? rest
    }

    /// What people call the replica here.
    var name: String { givenName ?? state.withLock { $0.standing?.name } ?? fallbackName }
    var condition: Condition { state.withLock { $0.condition } }
    var replica: ReplicaID? { state.withLock { $0.replica } }
}

extension ReplicaSeat {
    /// How `status` shows it.
    ///
    /// - Parameter now: running time.
    func description(at now: Duration, isLost: Bool, isDraining: Bool) -> StatusBody.Replica {
        let state = state.withLock { $0 }
        let (shown, problem) = Self.describe(
            state, at: now, isLost: isLost, isDraining: isDraining)
        return StatusBody.Replica(
            id: state.replica, name: givenName ?? state.standing?.name ?? fallbackName, url: url,
            zone: zone ?? state.standing?.zone ?? Self.defaultZone, state: shown,
            usedBytes: state.standing?.usedBytes ?? 0, freeBytes: state.standing?.freeBytes ?? 0,
            chunks: state.standing?.chunks ?? 0, problem: problem)
    }

    private static func describe(
        _ state: State, at now: Duration, isLost: Bool, isDraining: Bool
    ) -> (StatusBody.Replica.State, String?) {
        switch state.condition {
        case .unknown: (.down, "not asked yet")
        case .up where isDraining: (.draining, "it is being emptied")
        case .up where state.avoidedUntil > now: (.slow, "it stalled lately and gets no new copies")
        case .up: (.up, nil)
        case .readOnly(let problem): (.readOnly, problem)
        case .down(let problem) where isLost: (.lost, problem)
        case .down(let problem) where state.isLeaving: (.maintenance, problem)
        case .down(let problem): (.down, problem)
        case .refused(let problem): (.refused, problem)
        }
    }
}
