import DepotCore
import DepotSQLite

/// Compares one page of an inventory with what is believed. Takes nothing away.
struct PageComparison {
    private let page: InventoryPage
    private let member: Int
    private let session: Session
    private let chunks: ChunkTable
    private let copies: CopyTable
    private let inserting: SQLStatement
    private var findings = InventoryFindings()

    init(_ page: InventoryPage, member: Int, _ session: Session) throws {
        session.assertChange()
        self.page = page
        self.member = member
        self.session = session
        chunks = try ChunkTable(session)
        copies = try CopyTable(session)
        inserting = try session.statement(
            "INSERT INTO chunk (hash, length, unused, unproved) VALUES (?, ?, ?, ?)")
    }

    mutating func run() throws -> InventoryFindings {
        let shown = Set(page.entries.map(\.id))
        for entry in page.entries {
            switch entry.id.kind {
            case .chunk: try take(chunk: entry)
            case .record: try take(record: entry)
            }
        }
        for kind in [ObjectID.Kind.chunk, .record] {
            guard let range = range(of: kind) else { continue }
            findings.missing += try believed(kind, range).filter { !shown.contains($0) }
        }
        return findings
    }

    private mutating func take(chunk entry: InventoryEntry) throws {
        guard let known = try chunks.find(entry.id.hash) else {
            guard (1...Limits.chunkSizeMax).contains(entry.length) else {
                findings.wrongLength.append(entry.id.hash)
                return
            }
            session.absent.enter(entry.id.hash)
            try inserting.run(
                entry.id.hash, entry.length, session.now, session.members().bit(of: member))
            findings.entered.append(entry.id)
            return
        }
        if known.length != entry.length, try !isProved(entry, known) {
            findings.wrongLength.append(entry.id.hash)
        }
        guard try copies.states(of: known)[member] == nil else { return }
        try copies.set(.unproved, of: known, member: member)
        findings.entered.append(entry.id)
    }

    /// What nobody holds has the length that a replica found.
    private func isProved(_ entry: InventoryEntry, _ known: ChunkTable.Known) throws -> Bool {
        guard (1...Limits.chunkSizeMax).contains(entry.length) else { return false }
        return try chunks.prove(entry.length, of: known)
    }

    private mutating func take(record entry: InventoryEntry) throws {
        let found = try session.statement("SELECT id, unexplained FROM record WHERE hash = ?")
            .first(entry.id.hash) {
                try (object: $0.get(0, as: Int64.self), unexplained: $0.get(1, as: Int64.self))
            }
        guard let found, found.unexplained == 0 else {
            findings.unknownRecords.append(entry.id.hash)
            return
        }
        // What is new is asked for once more: a collection may have deleted it since the list was
        // made.
        let isHeld = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM record_holding WHERE record = ? AND replica = ?)"
        ).first(found.object, member) { try $0.get(0, as: Bool.self) }
        if isHeld != true { findings.entered.append(entry.id) }
    }

    /// The hashes of a kind that the page is about: behind the first, up to and with the last.
    private func range(of kind: ObjectID.Kind) -> (after: [UInt8], through: [UInt8])? {
        let first: [UInt8]
        if let after = page.after {
            if after.kind > kind { return nil }
            first = after.kind == kind ? after.hash.bytes : []
        } else {
            first = []
        }
        let highest = [UInt8](repeating: 0xFF, count: ChunkID.byteCount)
        if page.isLast { return (first, highest) }
        guard let last = page.entries.last?.id, last.kind >= kind else { return nil }
        return (first, last.kind == kind ? last.hash.bytes : highest)
    }

    private func believed(
        _ kind: ObjectID.Kind, _ range: (after: [UInt8], through: [UInt8])
    ) throws -> [ObjectID] {
        let sql =
            switch kind {
            case .chunk:
                try """
                SELECT c.hash FROM chunk c WHERE c.hash > ? AND c.hash <= ?
                    AND \(CopySQL(session).isBelieved(on: member)) ORDER BY c.hash
                """
            case .record:
                """
                SELECT o.hash FROM record o
                CROSS JOIN record_holding h ON h.record = o.id AND h.replica = \(member)
                WHERE o.hash > ? AND o.hash <= ? ORDER BY o.hash
                """
            }
        return try session.statement(sql).all(range.after, range.through) {
            try ObjectID(kind: kind, hash: $0.get(0))
        }
    }
}
