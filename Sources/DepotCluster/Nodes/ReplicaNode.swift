import DepotCore
import DepotWire
import Synchronization

/// A place where a replica is expected: its address, the link there, and how it was last found.
package final class ReplicaNode: Sendable {
    package let url: String
    /// As configured; `nil` leaves it to the replica, and then to the catalog.
    let givenName: String?
    /// Where neither configuration nor replica says one.
    package let fallbackName: String
    package let zone: String?
    package let capacity: ByteCount?
    /// Whether the configuration names it; else it is here because the catalog has a member with
    /// the address.
    let isConfigured: Bool
    package let link: any ReplicaLink
    private let current: Mutex<NodeState>
    /// Bytes that are being read from it.
    package let load = Atomic<Int>(0)
    /// Copies that it read and found to be wrong, as it said.
    package let corruptCopies = Atomic<UInt64>(0)

    /// A node that the configuration names.
    ///
    /// - Parameter member: who is, or was, found here.
    package init(
        _ replica: ReplicaConfiguration, member: ReplicaID?, link: any ReplicaLink
    ) {
        url = replica.url
        givenName = replica.name
        fallbackName = Self.authority(of: replica.url)
        zone = replica.zone
        capacity = replica.capacity
        isConfigured = true
        self.link = link
        current = Mutex(NodeState(replica: member))
    }

    /// The node of a member whose address the configuration does not name.
    package init(of member: Member, link: any ReplicaLink) {
        url = member.url
        givenName = nil
        fallbackName = member.name
        zone = member.zone
        capacity = member.capacity
        isConfigured = false
        self.link = link
        current = Mutex(NodeState(replica: member.replica))
    }

    package static let defaultZone = "default"

    /// `host:port` of an address.
    static func authority(of url: String) -> String {
        let rest = url.split(separator: "://", maxSplits: 1).last.map(String.init) ?? url
        return rest.split(separator: "/").first.map(String.init) ?? rest
    }

    /// What people call the replica here.
    package var name: String { givenName ?? current.withLock { $0.standing?.name } ?? fallbackName }
    package var condition: NodeState.Condition { current.withLock { $0.condition } }
    package var replica: ReplicaID? { current.withLock { $0.replica } }
    /// As it is at this moment.
    package var state: NodeState { current.withLock { $0 } }

    /// Carries out a transition of the state, as a whole.
    @discardableResult
    package func note<Result: Sendable>(
        _ transition: (inout NodeState) -> Result
    ) -> Result {
        current.withLock { transition(&$0) }
    }
}

extension ReplicaNode {
    /// How `status` shows it.
    ///
    /// - Parameters:
    ///   - now: running time.
    ///   - timestamp: the same moment in seconds since 1970.
    package func description(
        at now: Duration, _ timestamp: Int64, isLost: Bool, isDraining: Bool
    ) -> StatusBody.Replica {
        let state = state
        let (shown, problem) = Self.describe(
            state, at: now, isLost: isLost, isDraining: isDraining)
        return StatusBody.Replica(
            id: state.replica, name: givenName ?? state.standing?.name ?? fallbackName, url: url,
            zone: zone ?? state.standing?.zone ?? Self.defaultZone, state: shown,
            usedBytes: state.standing?.usedBytes ?? 0, freeBytes: state.standing?.freeBytes ?? 0,
            chunks: state.standing?.chunks ?? 0, problem: problem,
            certificateDaysLeft: link.certificateEnds.map {
                TLSKeeper.days(until: $0, at: timestamp)
            },
            lastAnswer: state.awaySince == nil
                ? nil
                : state.answeredAt.map { timestamp - (now - $0).components.seconds })
    }

    /// So long `status` tells of it.
    private static let misbehaviourShown = Duration.seconds(600)

    private static func describe(
        _ state: NodeState, at now: Duration, isLost: Bool, isDraining: Bool
    ) -> (StatusBody.Replica.State, String?) {
        switch state.condition {
        case .unknown: (.down, "not asked yet")
        case .up where isDraining: (.draining, "it is being emptied")
        case .up where state.misbehaviour.map({ now - $0.at < misbehaviourShown }) ?? false:
            (
                .slow,
                "misbehaving: \(state.misbehaviour?.what ?? ""); that answer was used for nothing"
            )
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
