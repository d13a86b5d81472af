import DepotCore
import DepotSQLite

/// Goes once over what a manifest uses, and counts what a commit and its receipt need.
struct CommitCounts {
    /// Made once: a commit of many files has one statement of a kind for all.
    struct Statements {
        fileprivate let stored: SQLStatement
        fileprivate let inline: SQLStatement
        private let current: CopyMask
        private let former: [(bits: CopyMask, bit: CopyMask)]

        init(_ session: Session) throws {
            let good = try CopySQL(session).good
            stored = try session.statement(
                """
                SELECT r.chunk, c.hash, c.length, r.content, \(good)
                FROM reference r CROSS JOIN chunk c ON c.id = r.chunk WHERE r.manifest = ?
                """)
            inline = try session.statement(
                "SELECT c.id, c.hash, c.length, 1, \(good) FROM chunk c WHERE c.id = -?")
            current = try session.members().current
            former = try session.members().former
        }

        /// The bits that members have now who vouched: one that has another bit since is the one that
        /// vouched.
        fileprivate func current(_ vouched: CopyMask) -> CopyMask {
            former.reduce(vouched) { (vouched & $1.bits).isEmpty ? $0 : $0 | $1.bit } & current
        }
    }

    private(set) var lacking: [ChunkReference] = []
    /// Of the least replicated chunk: copies that were vouched for to the deposit and are good
    /// still. `nil` where there is nothing to copy.
    private(set) var copies: Int?
    /// Numbers of content chunks that the deposit brought, and that no file of its counted yet.
    private(set) var new: [Int64] = []
    private(set) var newBytes: UInt64 = 0
    private(set) var sharedBytes: UInt64 = 0

    init(
        manifest: Int64, pins: DepositPins, copiesRequired: Int, by statements: Statements
    ) throws {
        let uses = manifest < 0 ? statements.inline : statements.stored
        try uses.visit(manifest) { row in
            let number = try row.get(0, as: Int64.self)
            let pin = try pins.pin(of: number)
            let vouched = statements.current(pin?.vouched ?? .none)
            let found = try (row.get(4, as: CopyMask.self) & vouched).count
            copies = min(copies ?? found, found)
            if found < copiesRequired {
                lacking.append(try ChunkReference(id: row.get(1), length: row.get(2)))
            }
            if try row.get(3) {
                count(number, try row.get(2, as: UInt64.self), isNew: pin?.isNew ?? false)
            }
            return lacking.count < SQLiteCatalog.lackingMax
        }
        assert(lacking.count <= SQLiteCatalog.lackingMax)
        assert(
            lacking.isEmpty == ((copies ?? copiesRequired) >= copiesRequired),
            "the least replicated chunk decides")
    }

    private mutating func count(_ chunk: Int64, _ length: UInt64, isNew: Bool) {
        if isNew {
            new.append(chunk)
            newBytes.increase(by: length)
        } else {
            sharedBytes.increase(by: length)
        }
    }

    /// The next file of the deposit that uses these chunks finds them there.
    func countAsShared(_ pins: DepositPins) throws {
        for chunk in new {
            guard var pin = try pins.pin(of: chunk) else { continue }
            pin.isNew = false
            try pins.set(pin, of: chunk)
        }
    }
}
