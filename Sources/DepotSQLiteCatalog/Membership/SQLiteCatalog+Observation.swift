import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func observe(
        _ position: LogPosition, of replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) -> Bool {
        // Most answers find the log where it was; they need no transaction that is synced.
        let isKnown = try await queue.view { try KnownPosition(replica, $0).position == position }
        if isKnown { return true }
        return try await queue.change(isHarmless: true) { session in
            let known = try KnownPosition(replica, session)
            let continues = position.continues(known.position)
            // Asked before the known answer came: the older answer came later, the log did not go
            // back.
            if !continues && known.tick > mark.value { return true }
            try session.statement(
                "UPDATE member SET opens = ?, segment = ?, offset = ?, observed = ? WHERE id = ?"
            ).run(
                position.opens, position.segment, position.offset, session.tick, known.number)
            if !continues || position.opens != known.position.opens {
                try session.statement("UPDATE member SET restarted = ? WHERE id = ?")
                    .run(session.tick, known.number)
            }
            if !continues { try Self.unprove(known.number, session) }
            return continues
        }
    }

    private static func unprove(_ number: Int, _ session: Session) throws {
        try session.statement("UPDATE member SET regressed = ? WHERE id = ?")
            .run(session.tick, number)
        try FormerBits(session).unprove(number)
    }

    private struct KnownPosition {
        let number: Int
        let position: LogPosition
        let tick: UInt64

        init(_ replica: ReplicaID, _ session: Session) throws {
            number = try session.members().number(of: replica)
            let noted = try session.statement(
                "SELECT opens, segment, offset, observed FROM member WHERE id = ?"
            ).first(number) { row in
                try (row.position(0), row.get(3, as: UInt64.self))
            }
            guard let noted else { throw DepotError(.notFound, "no such member") }
            (position, tick) = noted
        }
    }
}
