import DepotCore
import DepotSQLite
import GRDB

// A deposit pins many chunks, and chunks that came together have numbers that are neighbours. So the
// chunks of a page, 32 neighbouring numbers, of which the same is known are one row, with a bit for
// each. As a row of its own a pin was five entries in two trees, for a new chunk as for a known one.

/// How statements look into the table `pin_page`.
enum PinSQL {
    static let pageBits: Int64 = 5

    /// Whether a deposit has pinned the chunk of a number, in SQL.
    static func isPinned(_ chunk: String) -> String {
        "EXISTS (SELECT 1 FROM pin_page p WHERE \(pins(chunk)))"
    }

    /// Whether the row `p` pins the chunk of a number.
    static func pins(_ chunk: String) -> String {
        "p.page = \(chunk) >> \(pageBits) AND (p.chunks >> (\(chunk) & 31)) & 1"
    }
}

/// What a deposit knows of a chunk that it has pinned.
struct Pin: Hashable {
    /// Whether the deposit brought the chunk, and no file of its has counted it.
    var isNew: Bool
    /// A bit for each member that vouched for the chunk to the deposit.
    var vouched: CopyMask
}

/// Chunks of one page of which the same is known.
struct PinRow {
    let page: Int64
    let pin: Pin
    /// A bit for each of the page's chunks; at least one.
    var chunks: UInt32

    static let columns = "page, fresh, vouched, chunks"

    /// - Parameter column: of the page; the others follow.
    init(_ row: SQLRow, at column: Int32 = 0) throws {
        page = try row.get(column)
        pin = Pin(isNew: try row.get(column + 1), vouched: try row.get(column + 2))
        chunks = try row.get(column + 3)
        guard (0...Int64.columnRange.upperBound >> PinSQL.pageBits).contains(page), chunks != 0
        else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "page \(page) of pins is none, or is empty")
        }
    }

    init(page: Int64, pin: Pin, chunks: UInt32) {
        (self.page, self.pin, self.chunks) = (page, pin, chunks)
    }

    var count: Int { chunks.nonzeroBitCount }

    /// The numbers of its chunks.
    var numbers: [Int64] {
        (0..<32).filter { chunks >> UInt32($0) & 1 == 1 }.map { page << PinSQL.pageBits | $0 }
    }
}

/// The pins of one deposit, for one change: each page is read once, and written once, by `save`.
final class DepositPins {
    private struct Page {
        let before: [PinRow]
        var rows: [PinRow]

        func pin(of bit: UInt32) -> Pin? { rows.first { $0.chunks & bit != 0 }?.pin }

        mutating func set(_ pin: Pin, of bit: UInt32, page: Int64) {
            for index in rows.indices { rows[index].chunks &= ~bit }
            rows.removeAll { $0.chunks == 0 }
            if let index = rows.firstIndex(where: { $0.pin == pin }) {
                rows[index].chunks |= bit
            } else {
                rows.append(PinRow(page: page, pin: pin, chunks: bit))
            }
        }
    }

    /// Chunks that were pinned and had not been before.
    private(set) var added = 0
    private let deposit: Int64
    private var pages: [Int64: Page] = [:]
    private var changed: Set<Int64> = []
    private let reading: SQLStatement
    private let writing: SQLStatement
    private let deleting: SQLStatement

    init(of deposit: Int64, _ session: Session) throws {
        self.deposit = deposit
        reading = try session.statement(
            "SELECT \(PinRow.columns) FROM pin_page WHERE page = ? AND deposit = ?")
        writing = try session.statement(
            """
            INSERT INTO pin_page (page, deposit, fresh, vouched, chunks) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET chunks = excluded.chunks
            """)
        deleting = try session.statement(
            """
            DELETE FROM pin_page WHERE page = ? AND deposit = ? AND fresh = ? AND vouched = ?
            """)
    }

    private static func place(_ chunk: Int64) -> (page: Int64, bit: UInt32) {
        (chunk >> PinSQL.pageBits, 1 << UInt32(chunk & 31))
    }

    private func load(_ page: Int64) throws {
        guard pages[page] == nil else { return }
        let rows = try reading.all(page, deposit) { try PinRow($0) }
        var chunks: UInt32 = 0
        for row in rows {
            guard chunks & row.chunks == 0 else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "a chunk of page \(page) is pinned twice by a deposit")
            }
            chunks |= row.chunks
        }
        pages[page] = Page(before: rows, rows: rows)
    }

    /// - Returns: `nil` where the deposit has not pinned the chunk.
    func pin(of chunk: Int64) throws -> Pin? {
        let (page, bit) = Self.place(chunk)
        try load(page)
        return pages[page]?.pin(of: bit)
    }

    func set(_ pin: Pin, of chunk: Int64) throws {
        let before = try self.pin(of: chunk)
        guard pin != before else { return }
        if before == nil { added += 1 }
        let (page, bit) = Self.place(chunk)
        pages[page]?.set(pin, of: bit, page: page)
        changed.insert(page)
    }

    func save() throws {
        for number in changed.sorted() {
            guard let page = pages[number] else { continue }
            for row in page.before where !page.rows.contains(where: { $0.pin == row.pin }) {
                try deleting.run(number, deposit, row.pin.isNew, row.pin.vouched)
            }
            for row in page.rows
            where !page.before.contains(where: { $0.pin == row.pin && $0.chunks == row.chunks }) {
                try writing.run(number, deposit, row.pin.isNew, row.pin.vouched, row.chunks)
            }
        }
    }
}
