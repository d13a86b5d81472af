import DepotCore
import DepotSQLite

/// Which member has which copy, in bulk.
///
/// Good and unproved copies are masks in the chunk's row, so that what is new costs no row of its
/// own. A copy that is bad or released is a row of `verdict`, and the chunk's row says that there
/// may be one. A chunk that has rows in the table `holding` has all of its copies there still; it
/// is carried over when it is changed.
struct CopyTable {
    private let session: Session
    private let members: MemberTable
    private let saving: SQLStatement
    private let judging: SQLStatement
    private let clearing: SQLStatement
    private let verdicts: SQLStatement
    /// The old table; `nil` where there is none.
    private let old: (finding: SQLStatement, removing: SQLStatement)?

    init(_ session: Session) throws {
        self.session = session
        members = try session.members()
        saving = try session.statement(
            "UPDATE chunk SET good = ?, unproved = ?, rare = ? WHERE id = ?")
        judging = try session.statement(
            """
            INSERT INTO verdict (chunk, replica, state) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET state = excluded.state
            """)
        clearing = try session.statement("DELETE FROM verdict WHERE chunk = ? AND replica = ?")
        verdicts = try session.statement("SELECT replica, state FROM verdict WHERE chunk = ?")
        old =
            session.isCarrying
            ? try (
                session.statement("SELECT replica, state FROM holding WHERE chunk = ?"),
                session.statement("DELETE FROM holding WHERE chunk = ?")
            ) : nil
    }

    // MARK: Reading

    func row(of known: ChunkTable.Known) throws -> CopyRow {
        var row = try stored(known)
        _ = try addOld(of: known.number, to: &row)
        return row
    }

    /// What is not in the old table.
    private func stored(_ known: ChunkTable.Known) throws -> CopyRow {
        var row = CopyRow(good: known.good, unproved: known.unproved)
        if known.isRare {
            try visit(verdicts, of: known.number) { row.set($1, of: $0, members) }
        }
        return row
    }

    /// - Returns: whether there was anything.
    private func addOld(of chunk: Int64, to row: inout CopyRow) throws -> Bool {
        guard let old else { return false }
        var hasAny = false
        try visit(old.finding, of: chunk) { member, state in
            row.set(carried(state, of: member), of: member, members)
            hasAny = true
        }
        return hasAny
    }

    private func visit(
        _ states: SQLStatement, of chunk: Int64, body: (Int, HoldingState) -> Void
    ) throws {
        try states.visit(chunk) { row in
            let member = try row.get(0, as: Int.self)
            if try members.holder(member) != nil { body(member, try row.get(1)) }
            return true
        }
    }

    /// What a row of the old table says now. When it was written, its member's bit was the member's
    /// number; where that is another one since, the log went back.
    private func carried(_ state: HoldingState, of member: Int) -> HoldingState {
        state == .good && members.bit(of: member) != .bit(member) ? .unproved : state
    }

    /// The states of a chunk's copies, by member.
    func states(of known: ChunkTable.Known) throws -> [Int: HoldingState] {
        try row(of: known).states(members)
    }

    func copies(of id: ChunkID, _ known: ChunkTable.Known) throws -> ChunkCopies {
        let holdings = try states(of: known).map {
            Holding(replica: try members.replica($0.key), state: $0.value)
        }
        return ChunkCopies(
            reference: try ChunkReference(id: id, length: known.length),
            holdings: holdings.sorted { $0.replica < $1.replica })
    }

    // MARK: Changing

    /// Changes what is believed of a chunk's copies. Writes what is different then, and carries
    /// over what is in the old table.
    ///
    /// - Parameter known: as the chunk's row is now.
    func change(
        _ known: ChunkTable.Known, _ body: (inout CopyRow) throws -> Void
    ) throws {
        session.assertChange()
        let before = try stored(known)
        var after = before
        let isOld = try addOld(of: known.number, to: &after)
        try body(&after)
        if isOld { try old?.removing.run(known.number) }
        for (member, state) in after.verdicts where before.verdicts[member] != state {
            try judging.run(known.number, member, state)
        }
        for member in before.verdicts.keys where after.verdicts[member] == nil {
            try clearing.run(known.number, member)
        }
        let isRare = !after.verdicts.isEmpty
        guard after.good != known.good || after.unproved != known.unproved || isRare != known.isRare
        else { return }
        try saving.run(after.good, after.unproved, isRare, known.number)
    }

    /// Sets one copy.
    ///
    /// - Parameter state: `nil` where there is no copy any more.
    func set(_ state: HoldingState?, of known: ChunkTable.Known, member: Int) throws {
        try change(known) { $0.set(state, of: member, members) }
    }
}
