import DepotCore
import DepotSQLite

// A member that is forgotten leaves a row for each record that it holds, for each segment of its log,
// and for each copy that is bad or released. All writers would wait while ten million are deleted.
// So its number is a former one: what is under it counts for nothing from then on, and is deleted
// behind everybody's back, some rows in each transaction. Only then another member may have the
// number. Where it was used again before, that one would pass for a holder of records and copies that
// it never had.

/// The numbers of members that were forgotten, until nothing is left under them.
struct FormerNumbers {
    /// Rows of one transaction: some 20 ms.
    static let clearedAtOnce = 5_000
    /// Setbacks that one transaction goes over, whosever they are: they are not listed by member.
    private static let sweptAtOnce = 10_000

    /// What is listed by member, with the other half of each key. The table `holding` needs no
    /// clearing: it is carried over before, into masks and verdicts.
    private static let tables = [
        (name: "verdict", key: "chunk"), (name: "record_holding", key: "record"),
        (name: "segment", key: "number"),
    ]

    private let session: Session
    private let clearedAtOnce: Int

    init(_ session: Session, clearedAtOnce: Int = clearedAtOnce) {
        self.session = session
        self.clearedAtOnce = clearedAtOnce
    }

    /// Nothing under the number of a member counts from now on. One row, whatever is there.
    func retire(_ number: Int) throws {
        session.assertChange()
        try session.statement("INSERT INTO former_number (number, swept) VALUES (?, 0)").run(number)
        session.membersChanged()
    }

    /// A number under which there is nothing; `nil` where members have all of them. Where there is
    /// none but former ones these are cleared at once: that takes as long as they have rows.
    func free() throws -> Int? {
        session.assertChange()
        if let free = try session.members().free { return free }
        let carrying = CarryOver(session)
        while try carrying.step() {}
        while try step() {}
        return try session.members().free
    }

    func isDue() throws -> Bool { try !session.members().formerNumbers.isEmpty }

    /// Deletes some rows under a former number, or gives it back.
    ///
    /// - Precondition: nothing is to be carried over from the table `holding`, which names members
    ///   by their numbers.
    /// - Returns: whether there was anything left to do.
    func step() throws -> Bool {
        session.assertChange()
        assert(!session.isCarrying, "what is carried over may come under a former number")
        guard let number = try session.members().formerNumbers.min() else { return false }
        if try clear(number) || sweep(number) { return true }
        try session.statement("DELETE FROM former_number WHERE number = ?").run(number)
        session.membersChanged()
        return true
    }

    /// - Returns: whether there was anything.
    private func clear(_ number: Int) throws -> Bool {
        var room = clearedAtOnce
        for (table, key) in Self.tables where room > 0 {
            try session.statement(
                """
                DELETE FROM \(table) WHERE replica = ?1
                    AND \(key) IN (SELECT \(key) FROM \(table) WHERE replica = ?1 LIMIT ?2)
                """
            ).run(number, room)
            room -= session.database.changesCount
        }
        return room < clearedAtOnce
    }

    /// - Returns: whether there were any setbacks behind those that were gone over.
    private func sweep(_ number: Int) throws -> Bool {
        let swept = try session.statement("SELECT swept FROM former_number WHERE number = ?")
            .first(number) { try $0.get(0, as: Int64.self) }
        let start = swept ?? 0
        let end = try session.statement(
            """
            SELECT max(chunk) FROM (
                SELECT chunk FROM setback WHERE chunk > ? ORDER BY chunk LIMIT ?)
            """
        ).first(start, Self.sweptAtOnce) { try $0.get(0, as: Int64?.self) }
        guard let end, let end else { return false }
        try session.statement("DELETE FROM setback WHERE chunk > ? AND chunk <= ? AND replica = ?")
            .run(start, end, number)
        try session.statement("UPDATE former_number SET swept = ? WHERE number = ?")
            .run(end, number)
        return true
    }
}
