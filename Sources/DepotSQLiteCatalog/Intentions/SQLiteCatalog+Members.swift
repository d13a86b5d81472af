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
                    position: LogPosition(
                        opens: row.get(5), segment: row.get(6), offset: row.get(7)))
            }
        }
    }

    public func admit(_ member: Member) async throws(DepotError) {
        try await queue.change { session in
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
        let taken = try session.members().replicas
        guard let number = (0..<MemberTable.countMax).first(where: { taken[$0] == nil }) else {
            throw DepotError(
                .tooLarge,
                "the embedded catalog keeps \(MemberTable.countMax) replicas, and has them all",
                object: member.name)
        }
        let position = member.position
        try session.statement(
            """
            INSERT INTO member (id, replica, name, url, zone, capacity, opens, segment, offset,
                observed, regressed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
            """
        ).run(
            number, member.replica, member.name, member.url, member.zone, member.capacity.bytes,
            position.opens, position.segment, position.offset, session.tick)
    }

    private static func refuseForgotten(_ member: Member, _ session: Session) throws {
        let isForgotten = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM forgotten WHERE replica = ?)"
        ).first(member.replica) { try $0.get(0, as: Bool.self) }
        guard isForgotten == true else { return }
        throw DepotError(
            .conflict,
            "this replica was forgotten, and what it holds may be older than anything known; start it "
                + "with an empty data folder",
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

    public func observe(
        _ position: LogPosition, of replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) -> Bool {
        // Most answers find the log where it was; they need no transaction that is synced.
        let isKnown = try await queue.view { try Noted(replica, $0).position == position }
        if isKnown { return true }
        return try await queue.change { session in
            let noted = try Noted(replica, session)
            let continues = position.continues(noted.position)
            // Asked before the noted answer came: the older answer came later, the log did not go back.
            if !continues && noted.tick > mark.value { return true }
            try session.statement(
                "UPDATE member SET opens = ?, segment = ?, offset = ?, observed = ? WHERE id = ?"
            ).run(
                position.opens, position.segment, position.offset, session.tick, noted.number)
            if !continues { try Self.unprove(noted.number, session) }
            return continues
        }
    }

    private static func unprove(_ number: Int, _ session: Session) throws {
        try session.statement("UPDATE member SET regressed = ? WHERE id = ?")
            .run(session.tick, number)
        try session.statement("UPDATE holding SET state = 0 WHERE replica = ? AND state = 1")
            .run(number)
    }

    private struct Noted {
        let number: Int
        let position: LogPosition
        let tick: UInt64

        init(_ replica: ReplicaID, _ session: Session) throws {
            number = try session.members().number(of: replica)
            let noted = try session.statement(
                "SELECT opens, segment, offset, observed FROM member WHERE id = ?"
            ).first(number) { row in
                try (
                    LogPosition(opens: row.get(0), segment: row.get(1), offset: row.get(2)),
                    row.get(3, as: UInt64.self)
                )
            }
            guard let noted else { throw DepotError(.notFound, "no such member") }
            (position, tick) = noted
        }
    }
}
