import DepotCore
import DepotSQLite

// A bit that a member had before its log went back stays in the masks, and so do the bits of
// members that were forgotten. They are cleared behind everybody's back, a piece of the chunks in
// each transaction. A bit is free again when no mask has it: neither of a chunk nor of a pin. Pins
// need no clearing: they go with their deposits, and a bit waits for those that were open then.
// Where it was used again before, the copies of one member would pass for those of another.

/// The bits that masks have, and that stand for nobody's copies now.
struct FormerBits {
    /// How far a bit was cleared: its `progress`.
    private enum Progress: Int {
        /// → `clearing` when those before it are clear.
        case waiting = 0
        /// Up to the chunk `cluster.swept` no mask has it. → `clear` behind the last chunk.
        case clearing = 1
        /// No chunk has it. The row goes when the deposits have ended that were there when the bit
        /// was given up.
        case clear = 2
    }

    private static let isOver = """
        progress = \(Progress.clear.rawValue) AND NOT EXISTS (
            SELECT 1 FROM deposit d WHERE d.id <= former_bit.deposit AND d.deadline IS NOT NULL)
        """

    /// Numbers of chunks of one transaction: some 30 ms where each has the bit.
    static let clearedAtOnce: Int64 = 10_000

    private let session: Session
    private let clearedAtOnce: Int64

    init(_ session: Session, clearedAtOnce: Int64 = clearedAtOnce) {
        self.session = session
        self.clearedAtOnce = clearedAtOnce
    }

    // MARK: Giving up

    /// All good copies of a member are unproved from now on. One row, whatever their number, but
    /// where 63 bits are taken: then it takes as long as going over all chunks.
    func unprove(_ member: Int) throws {
        session.assertChange()
        let members = try session.members()
        guard let free = members.freeBit else { return try unproveAtOnce(member) }
        try giveUp(members.bit(of: member), of: member)
        try session.statement("UPDATE member SET bit = ? WHERE id = ?").run(free, member)
        session.membersChanged()
    }

    private func unproveAtOnce(_ member: Int) throws {
        let bit = try session.members().bit(of: member)
        try session.statement(
            "UPDATE chunk SET good = good - ?1, unproved = unproved | ?1 WHERE good & ?1 <> 0"
        ).run(bit)
        guard session.isCarrying else { return }
        try session.statement(
            """
            UPDATE holding SET state = \(state: .unproved)
            WHERE replica = ? AND state = \(state: .good)
            """
        ).run(member)
    }

    /// Nobody's copies are said by the bits of a member from now on.
    func retire(_ member: Int) throws {
        session.assertChange()
        try giveUp(session.members().bit(of: member), of: nil)
        try session.statement("UPDATE former_bit SET member = NULL WHERE member = ?").run(member)
        session.membersChanged()
    }

    private func giveUp(_ bit: CopyMask, of member: Int?) throws {
        for bit in bit.numbers {
            try session.statement(
                """
                INSERT INTO former_bit (bit, member, progress, deposit)
                VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) FROM deposit))
                """
            ).run(bit, member, Progress.waiting.rawValue)
        }
    }

    // MARK: Clearing

    /// A bit that is in no mask. Where there is none, former bits are cleared at once.
    func free() throws -> Int {
        session.assertChange()
        if let free = try session.members().freeBit { return free }
        try clearAtOnce()
        guard let free = try session.members().freeBit else {
            throw DepotError(.tooLarge, "no bit of \(MemberTable.countMax) is free")
        }
        return free
    }

    private func clearAtOnce() throws {
        let carrying = CarryOver(session)
        while try carrying.step() {}
        let bits = try all("1")
        try clear(bits, in: .min ... .max)
        let moving = try session.statement(
            """
            INSERT INTO pin_page (page, deposit, fresh, vouched, chunks)
                SELECT page, deposit, fresh, vouched & ~?1 | ?2, chunks FROM pin_page
                WHERE vouched & ?1 <> 0
            ON CONFLICT DO UPDATE SET chunks = chunks | excluded.chunks
            """)
        let clearing = try session.statement("DELETE FROM pin_page WHERE vouched & ? <> 0")
        for bit in bits {
            try moving.run(CopyMask.bit(bit.bit), meaning(of: bit))
            try clearing.run(CopyMask.bit(bit.bit))
        }
        try session.statement("DELETE FROM former_bit").run()
        session.membersChanged()
    }

    /// Whether there is something to clear, or a bit to be given back.
    func isDue() throws -> Bool {
        try session.statement(
            """
            SELECT EXISTS (SELECT 1 FROM former_bit
                WHERE progress < \(Progress.clear.rawValue) OR \(Self.isOver))
            """
        ).first { try $0.get(0) } ?? false
    }

    /// Clears some masks, or gives bits back. One that became a former bit while others are cleared
    /// waits for the next round: the chunks that were gone over may have it.
    func step() throws {
        session.assertChange()
        try session.statement("DELETE FROM former_bit WHERE \(Self.isOver)").run()
        session.membersChanged()
        let bits = try all("progress = \(Progress.clearing.rawValue)")
        if bits.isEmpty { return try begin() }
        let swept = try session.statement("SELECT swept FROM cluster").first {
            try $0.get(0, as: Int64.self)
        }
        guard let piece = try ChunkTable(session).piece(after: swept ?? 0) else {
            return try move(from: .clearing, to: .clear)
        }
        let end = min(piece.upperBound, piece.lowerBound + clearedAtOnce - 1)
        try clear(bits, in: piece.lowerBound...end)
        try session.statement("UPDATE cluster SET swept = ?").run(end)
    }

    private func begin() throws {
        try session.statement("UPDATE cluster SET swept = 0").run()
        try move(from: .waiting, to: .clearing)
    }

    private func move(from: Progress, to: Progress) throws {
        try session.statement("UPDATE former_bit SET progress = ? WHERE progress = ?")
            .run(to.rawValue, from.rawValue)
    }

    private typealias Former = (bit: Int, member: Int?)

    private func all(_ condition: String) throws -> [Former] {
        try session.statement("SELECT bit, member FROM former_bit WHERE \(condition)").all {
            try ($0.get(0, as: Int.self), $0.get(1, as: Int?.self))
        }
    }

    /// What the bits say is said by those that members have now.
    private func clear(_ bits: [Former], in chunks: ClosedRange<Int64>) throws {
        let clearing = try session.statement(
            """
            UPDATE chunk SET good = good & ~?1, unproved = unproved & ~?1 | ?2
            WHERE id BETWEEN ?3 AND ?4 AND (good | unproved) & ?1 <> 0
            """)
        for bit in bits {
            try clearing.run(
                CopyMask.bit(bit.bit), meaning(of: bit), AnyInteger(chunks.lowerBound),
                AnyInteger(chunks.upperBound))
        }
    }

    /// The bit that its member has now; none where that was forgotten.
    private func meaning(of former: Former) throws -> CopyMask {
        guard let member = former.member else { return .none }
        return try session.members().bit(of: member)
    }
}
