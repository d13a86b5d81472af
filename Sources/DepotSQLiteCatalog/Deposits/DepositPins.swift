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

    /// Rows of pins that one transaction may go over for each chunk of their pages: 10 ms.
    private static let lookedThroughMax = 2_000

    /// Behind which chunk a transaction that begins with one has to end. Many deposits may have pinned
    /// chunks of one page, and each chunk of it is looked for in all of their rows.
    static func reach(from chunk: Int64, _ session: Session) throws -> Int64 {
        let page = try session.statement(
            "SELECT page FROM pin_page WHERE page >= ? ORDER BY page LIMIT 1 OFFSET ?"
        ).first(chunk >> pageBits, lookedThroughMax) { try $0.get(0, as: Int64.self) }
        guard let page, page <= Int64.columnRange.upperBound >> pageBits else { return .max }
        return (page + 1) << pageBits
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
        // A row is deleted by what it says, so another number than these is none.
        let fresh = try row.get(column + 1, as: Int64.self)
        pin = Pin(isNew: fresh == 1, vouched: try row.get(column + 2))
        chunks = try row.get(column + 3)
        guard (0...Int64.columnRange.upperBound >> PinSQL.pageBits).contains(page), chunks != 0,
            (0...1).contains(fresh)
        else { throw Self.damage("page \(page) of pins says what no page does") }
    }

    init(page: Int64, pin: Pin, chunks: UInt32) {
        (self.page, self.pin, self.chunks) = (page, pin, chunks)
    }

    static func damage(_ what: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: what)
    }

    var count: Int { chunks.nonzeroBitCount }

    /// The numbers of its chunks.
    var numbers: [Int64] {
        (0..<32).filter { chunks >> UInt32($0) & 1 == 1 }.map { page << PinSQL.pageBits | $0 }
    }
}

extension PinRow {
    /// Deletes rows that were read.
    struct Deletion {
        private let session: Session
        private let deleting: SQLStatement

        init(_ session: Session) throws {
            session.assertChange()
            self.session = session
            deleting = try session.statement(
                """
                DELETE FROM pin_page WHERE page = ? AND deposit = ? AND fresh = ? AND vouched = ?
                """)
        }

        /// - Throws: `SQLITE_CORRUPT` where the row is not there: the index that gave it is wrong.
        func delete(_ row: PinRow, of deposit: Int64) throws {
            try deleting.run(row.page, deposit, row.pin.isNew, row.pin.vouched)
            guard session.database.changesCount == 1 else {
                throw PinRow.damage("there is no such row of page \(row.page) of pins")
            }
        }
    }
}

/// The pins of one deposit, for one change: each page is read once, and written once, by `save`.
final class DepositPins {
    /// Pages that are kept though nothing in them has changed.
    private static let pagesMax = 10_000

    private struct Page {
        let number: Int64
        var before: [PinRow]
        var rows: [PinRow]
        var isChanged = false

        func pin(of bit: UInt32) -> Pin? {
            for row in rows where row.chunks & bit != 0 { return row.pin }
            return nil
        }

        mutating func set(_ pin: Pin, of bit: UInt32) {
            isChanged = true
            for index in rows.indices where rows[index].chunks & bit != 0 {
                rows[index].chunks &= ~bit
                if rows[index].chunks == 0 { rows.remove(at: index) }
                break
            }
            if let index = rows.firstIndex(where: { $0.pin == pin }) {
                rows[index].chunks |= bit
            } else {
                rows.append(PinRow(page: number, pin: pin, chunks: bit))
            }
        }
    }

    /// Chunks that were pinned and had not been before.
    private(set) var added = 0
    private let deposit: Int64
    private var pages: [Page] = []
    /// Of those when some were last forgotten.
    private var changedCount = 0
    /// Where the page of a number is.
    private var places: [Int64: Int] = [:]
    private let reading: SQLStatement
    private let writing: SQLStatement
    private let deleting: PinRow.Deletion

    init(of deposit: Int64, _ session: Session) throws {
        self.deposit = deposit
        reading = try session.statement(
            "SELECT \(PinRow.columns) FROM pin_page WHERE page = ? AND deposit = ?")
        writing = try session.statement(
            """
            INSERT INTO pin_page (page, deposit, fresh, vouched, chunks) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET chunks = excluded.chunks
            """)
        deleting = try PinRow.Deletion(session)
    }

    private func forgetUnchanged() {
        pages = pages.filter(\.isChanged)
        changedCount = pages.count
        places = Dictionary(
            uniqueKeysWithValues: pages.enumerated().map { ($0.element.number, $0.offset) })
    }

    private static func bit(of chunk: Int64) -> UInt32 { 1 << UInt32(chunk & 31) }

    /// Where the page of a chunk is.
    private func place(of chunk: Int64) throws -> Int {
        let number = chunk >> PinSQL.pageBits
        // Neighbours often come one after the other.
        if let last = pages.last, last.number == number { return pages.count - 1 }
        if let place = places[number] { return place }
        if pages.count >= Self.pagesMax + changedCount { forgetUnchanged() }
        let rows = try reading.all(number, deposit) { try PinRow($0) }
        var chunks: UInt32 = 0
        for row in rows {
            guard chunks & row.chunks == 0 else {
                throw PinRow.damage("a chunk of page \(number) is pinned twice by a deposit")
            }
            chunks |= row.chunks
        }
        pages.append(Page(number: number, before: rows, rows: rows))
        places[number] = pages.count - 1
        return pages.count - 1
    }

    /// - Returns: `nil` where the deposit has not pinned the chunk.
    func pin(of chunk: Int64) throws -> Pin? {
        try pages[place(of: chunk)].pin(of: Self.bit(of: chunk))
    }

    /// Whether a member has vouched for the chunk to the deposit.
    func isVouched(_ chunk: Int64, by members: MemberTable) throws -> Bool {
        guard let pin = try pin(of: chunk) else { return false }
        return !(pin.vouched & members.known).isEmpty
    }

    func set(_ pin: Pin, of chunk: Int64) throws {
        try update(chunk) { _ in pin }
    }

    /// - Parameter body: gets what is known; `nil` where the deposit has not pinned the chunk.
    func update(_ chunk: Int64, _ body: (Pin?) -> Pin) throws {
        let (place, bit) = (try place(of: chunk), Self.bit(of: chunk))
        let before = pages[place].pin(of: bit)
        let pin = body(before)
        guard pin != before else { return }
        if before == nil { added += 1 }
        pages[place].set(pin, of: bit)
    }

    func save() throws {
        // In the order of the tree.
        for place in pages.indices.sorted(by: { pages[$0].number < pages[$1].number })
        where pages[place].isChanged {
            let page = pages[place]
            for row in page.before where !page.rows.contains(where: { $0.pin == row.pin }) {
                try deleting.delete(row, of: deposit)
            }
            for row in page.rows
            where !page.before.contains(where: { $0.pin == row.pin && $0.chunks == row.chunks }) {
                try writing.run(
                    page.number, deposit, row.pin.isNew, row.pin.vouched, row.chunks)
            }
            pages[place].before = page.rows
            pages[place].isChanged = false
        }
    }
}
