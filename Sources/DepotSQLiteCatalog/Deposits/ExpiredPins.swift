import DepotCore
import DepotSQLite

// A deposit that ends leaves chunks that a file uses, which stay, and chunks that it brought for
// nothing, which nobody uses from now on.

/// Some pins of a deposit whose lease is over: those of a row go together.
struct ExpiredPins {
    private let deposit: Int64
    private let session: Session
    private var rows: [PinRow] = []
    private(set) var count = 0
    /// Whether the deposit has no others.
    private(set) var areAll = true

    /// - Parameter limit: where the first row has more, it is that row.
    init(of deposit: Int64, atMost limit: Int, _ session: Session) throws {
        self.deposit = deposit
        self.session = session
        try session.statement(
            "SELECT \(PinRow.columns) FROM pin_page WHERE deposit = ? ORDER BY page"
        ).visit(deposit) { row in
            let row = try PinRow(row)
            guard rows.isEmpty || count + row.count <= limit else {
                areAll = false
                return false
            }
            rows.append(row)
            count += row.count
            return true
        }
    }

    func letGo() throws {
        session.assertChange()
        guard !rows.isEmpty else { return }
        let deletion = try PinRow.Deletion(session)
        for row in rows { try deletion.delete(row, of: deposit) }
        try session.statement("UPDATE deposit SET pins = max(pins - ?, 0) WHERE id = ?")
            .run(count, deposit)
        let abandoning = try session.statement(
            """
            UPDATE chunk AS c SET unused = ?, abandoned = 1 WHERE id = ? AND NOT \(ChunkUse.isUsed)
            """)
        for row in rows where row.pin.isNew && !row.pin.vouched.isEmpty {
            for chunk in row.numbers { try abandoning.run(session.now, chunk) }
        }
    }
}
