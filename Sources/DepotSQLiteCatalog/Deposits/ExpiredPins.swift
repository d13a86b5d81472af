import DepotCore
import DepotSQLite

// A deposit that ends leaves chunks that a file uses, which stay, and chunks that it brought for
// nothing, which nobody uses from now on.

/// Some pins of a deposit whose lease is over.
struct ExpiredPins {
    private let deposit: Int64
    private let session: Session
    private let pins: [(chunk: Int64, isNew: Bool, isProved: Bool)]

    var count: Int { pins.count }

    init(of deposit: Int64, atMost limit: Int, _ session: Session) throws {
        self.deposit = deposit
        self.session = session
        pins = try session.statement(
            "SELECT chunk, is_new, vouched <> 0 FROM pin WHERE deposit = ? ORDER BY chunk LIMIT ?"
        ).all(deposit, limit) { try ($0.get(0), $0.get(1), $0.get(2)) }
    }

    func letGo() throws {
        session.assertChange()
        guard let last = pins.last else { return }
        try session.statement("DELETE FROM pin WHERE deposit = ? AND chunk <= ?")
            .run(deposit, last.chunk)
        try session.statement("UPDATE deposit SET pins = max(pins - ?, 0) WHERE id = ?")
            .run(pins.count, deposit)
        let abandoning = try session.statement(
            """
            UPDATE chunk AS c SET unused = ?, abandoned = 1 WHERE id = ? AND NOT \(ChunkUse.isUsed)
            """)
        for pin in pins where pin.isNew && pin.isProved {
            try abandoning.run(session.now, pin.chunk)
        }
    }
}
