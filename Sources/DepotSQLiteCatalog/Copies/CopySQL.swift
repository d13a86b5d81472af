import DepotCore
import DepotSQLite

// Statements that go over many chunks look at masks themselves. While a catalog is being carried
// over they look into the old table as well, in which a member's bit was its number.

/// What statements say of the copies of a chunk `c`. The texts are of one session.
struct CopySQL {
    private let isCarrying: Bool
    private let members: MemberTable

    init(_ session: Session) throws {
        isCarrying = session.isCarrying
        members = try session.members()
    }

    /// Bits that are set for good copies. Those that are no member's bits now say nothing of good
    /// copies: the caller takes the ones that it counts.
    var good: String {
        guard isCarrying else { return "c.good" }
        return """
            (c.good | (SELECT coalesce(sum(1 << h.replica), 0) FROM holding h
                WHERE h.chunk = c.id AND h.state = \(state: .good)))
            """
    }

    /// How many copies are good, on the members of a mask.
    func goodCount(on mask: CopyMask) -> String {
        "\(CopyCount.name)(\(good) & \(mask: mask))"
    }

    /// How many copies there are, in whatever state. What is left of members that were forgotten is
    /// none.
    var count: String {
        let old = """
            (SELECT count(*) FROM holding h CROSS JOIN member m ON m.id = h.replica
                WHERE h.chunk = c.id)
            """
        return """
            (\(CopyCount.name)((c.good | c.unproved) & \(mask: members.known))
                + iif(c.rare, (
                    SELECT count(*) FROM verdict v CROSS JOIN member m ON m.id = v.replica
                    WHERE v.chunk = c.id), 0)
                + \(isCarrying ? old : "0"))
            """
    }

    /// Whether a member has a copy, in whatever state.
    func isHeld(by member: Int) -> String {
        let old = "EXISTS (SELECT 1 FROM holding h WHERE h.chunk = c.id AND h.replica = \(member))"
        return """
            ((c.good | c.unproved) & \(mask: members.bits(of: member)) <> 0
                OR c.rare AND EXISTS (
                    SELECT 1 FROM verdict v WHERE v.chunk = c.id AND v.replica = \(member))
                OR \(isCarrying ? old : "0"))
            """
    }

    /// Whether a member's copy is good, or not proved.
    func isBelieved(on member: Int) -> String {
        let old = """
            EXISTS (SELECT 1 FROM holding h WHERE h.chunk = c.id AND h.replica = \(member)
                AND h.state IN (\(state: .unproved), \(state: .good)))
            """
        return """
            ((c.good | c.unproved) & \(mask: members.bits(of: member)) <> 0
                OR \(isCarrying ? old : "0"))
            """
    }

    /// Whether a member's copy is good.
    func isGood(on member: Int) -> String {
        "\(good) & \(mask: members.bit(of: member)) <> 0"
    }

    /// Whether nobody has a copy, nor had one when former bits and numbers were last cleared. What is
    /// left of a member that was forgotten keeps the row until then.
    static func isHeldByNobody(_ session: Session) -> String {
        """
        c.good | c.unproved = 0 AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.chunk = c.id)
            \(session.isCarrying
                ? "AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.chunk = c.id)" : "")
        """
    }
}
