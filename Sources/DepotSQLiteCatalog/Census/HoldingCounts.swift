import DepotCore
import DepotSQLite

/// How many copies each member has in which state, by a look at all chunks.
struct HoldingCounts {
    private struct Masks: Hashable {
        let good: CopyMask
        let unproved: CopyMask
    }

    private(set) var byReplica: [ReplicaID: [HoldingState: Int]]
    private let members: MemberTable

    init(_ session: Session) throws {
        members = try session.members()
        byReplica = Dictionary(uniqueKeysWithValues: members.numbers.keys.map { ($0, [:]) })
        try addMasks(session)
        try addRows(of: "verdict", session)
        if session.isCarrying { try addRows(of: "holding", session) }
    }

    private mutating func addMasks(_ session: Session) throws {
        // There are few different masks.
        var masks: [Masks: Int] = [:]
        try session.statement("SELECT \(CopySQL(session).good), c.unproved FROM chunk c").visit {
            row in
            masks[Masks(good: try row.get(0), unproved: try row.get(1)), default: 0] += 1
            return true
        }
        for (mask, count) in masks {
            let good = mask.good & members.current
            for member in try members(of: good) { try add(count, .good, of: member) }
            // A bit that a member had before its log went back says that a copy was good once.
            let others = try members(of: (mask.good | mask.unproved) & members.known)
            for member in others.subtracting(try members(of: good)) {
                try add(count, .unproved, of: member)
            }
        }
    }

    private func members(of mask: CopyMask) throws -> Set<Int> {
        Set(try mask.numbers.compactMap { try members.owner(ofBit: $0) })
    }

    private mutating func add(_ count: Int, _ state: HoldingState, of member: Int) throws {
        byReplica[try members.replica(member), default: [:]][state, default: 0] += count
    }

    /// Good copies of the old table are in the masks that `CopySQL` makes.
    private mutating func addRows(of table: String, _ session: Session) throws {
        var found: [(member: Int, state: HoldingState, count: Int)] = []
        try session.statement(
            """
            SELECT replica, state, count(*) FROM \(table) WHERE state <> \(state: .good)
            GROUP BY replica, state
            """
        ).visit { row in
            found.append((try row.get(0), try row.get(1), try row.get(2)))
            return true
        }
        for row in found where try members.holder(row.member) != nil {
            try add(row.count, row.state, of: row.member)
        }
    }
}
