import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func members() async throws(DepotError) -> [Member] {
        try await queue.view { session in
            try session.statement(
                """
                SELECT replica, name, url, zone, capacity, opens, segment, offset
                FROM member ORDER BY name
                """
            ).all { row in
                try Member(
                    replica: row.get(0), name: row.get(1), url: row.get(2), zone: row.get(3),
                    capacity: ByteCount(row.get(4)),
                    position: row.position(5))
            }
        }
    }

    public func memberRevision() async throws(DepotError) -> UInt64 {
        try await queue.view { try ClusterTable($0).memberRevision() }
    }

    public func admit(_ member: Member) async throws(DepotError) {
        try await queue.change(isHarmless: true) { session in
            try Self.refuseForgotten(member, session)
            try Self.refuseTaken(member, session)
            session.membersChanged()
            if try session.members().numbers[member.replica] != nil {
                try session.statement(
                    "UPDATE member SET name = ?, url = ?, zone = ?, capacity = ? WHERE replica = ?"
                ).run(member.name, member.url, member.zone, member.capacity.bytes, member.replica)
            } else {
                try Self.insert(member, session)
            }
            session.membersChanged()
        }
    }

    private static func insert(_ member: Member, _ session: Session) throws {
        guard let number = try FormerNumbers(session).free() else {
            throw DepotError(
                .tooLarge,
                "the embedded catalog keeps \(MemberTable.countMax) replicas, and has them all",
                object: member.name)
        }
        let position = member.position
        try ClusterTable(session).countMemberRevision()
        try session.statement(
            """
            INSERT INTO member (id, bit, replica, name, url, zone, capacity, opens, segment, offset,
                observed, regressed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
            """
        ).run(
            number, FormerBits(session).free(), member.replica, member.name, member.url,
            member.zone, member.capacity.bytes,
            position.opens, position.segment, position.offset, session.tick)
    }

    private static func refuseForgotten(_ member: Member, _ session: Session) throws {
        let isForgotten = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM forgotten WHERE replica = ?)"
        ).first(member.replica) { try $0.get(0, as: Bool.self) }
        guard isForgotten == true else { return }
        throw DepotError(
            .conflict,
            "this replica was forgotten, and what it holds may be older than anything known; "
                + "start it with an empty data folder",
            object: member.replica.description)
    }

    private static func refuseTaken(_ member: Member, _ session: Session) throws {
        let other = try session.statement(
            "SELECT replica, url = ? FROM member WHERE (url = ? OR name = ?) AND replica <> ?"
        ).first(member.url, member.url, member.name, member.replica) { row in
            try (replica: row.get(0, as: ReplicaID.self), hasAddress: row.get(1, as: Bool.self))
        }
        guard let other else { return }
        let what = other.hasAddress ? "the address \(member.url)" : "the name '\(member.name)'"
        throw DepotError(
            .conflict,
            "\(what) belongs to replica \(other.replica); "
                + "use another one, or forget that replica first",
            object: member.replica.description)
    }
}
