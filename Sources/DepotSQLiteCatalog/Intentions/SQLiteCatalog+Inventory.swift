import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func reconcile(
        _ page: InventoryPage, of replica: ReplicaID
    ) async throws(DepotError) -> InventoryFindings {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            var comparison = try PageComparison(page, member: member, session)
            return try comparison.run()
        }
    }

    public func settle(
        records: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let holding = try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING")
            let removing = try session.statement(
                "DELETE FROM record_holding WHERE record = ? AND replica = ?")
            let reopening = try session.statement("UPDATE record SET pending = 1 WHERE id = ?")
            for (hash, verdict) in records.sorted(by: { $0.key < $1.key }) {
                guard let record = try RecordTable.find(hash, session) else { continue }
                if verdict == .good {
                    try holding.run(record, member)
                } else {
                    try removing.run(record, member)
                    if try RecordTable.isCurrent(record, session) { try reopening.run(record) }
                }
            }
        }
    }

    public func noteInventory(
        of replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            try session.statement(
                "UPDATE member SET inventoried = max(inventoried, ?) WHERE id = ?"
            )
            .run(mark.value, member)
            try session.statement("DELETE FROM awaited WHERE replica = ?").run(replica)
        }
    }

    public func files(
        using chunk: ChunkID, limit: Int
    ) async throws(DepotError) -> [FileName] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            guard let known = try ChunkTable(session).find(chunk) else { return [] }
            return try session.statement(
                """
                SELECT f.name FROM reference r CROSS JOIN file f ON f.manifest = r.manifest
                WHERE r.chunk = ? ORDER BY f.name LIMIT ?
                """
            ).all(known.number, limit) { try $0.get(0) }
        }
    }

    public func names(
        ofRecords records: [ChunkID]
    ) async throws(DepotError) -> [FileName?] {
        try await queue.view { session in
            let naming = try session.statement("SELECT name FROM record WHERE hash = ?")
            return try records.map { hash in
                try naming.first(hash) { try $0.get(0, as: FileName.self) }
            }
        }
    }
}

/// Compares one page of an inventory with what is believed. Takes nothing away.
private struct PageComparison {
    private let page: InventoryPage
    private let member: Int
    private let session: Session
    private let holdings: HoldingTable
    private let inserting: SQLStatement
    private var findings = InventoryFindings()

    init(_ page: InventoryPage, member: Int, _ session: Session) throws {
        self.page = page
        self.member = member
        self.session = session
        holdings = try HoldingTable(session)
        inserting = try session.statement(
            "INSERT INTO chunk (hash, length, unused) VALUES (?, ?, ?)")
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
        let known = try session.statement("SELECT id, length FROM chunk WHERE hash = ?").first(
            entry.id.hash
        ) { try (number: $0.get(0, as: Int64.self), length: $0.get(1, as: Int.self)) }
        guard let known else {
            guard (1...Limits.chunkSizeMax).contains(entry.length) else {
                findings.wrongLength.append(entry.id.hash)
                return
            }
            let number = try inserting.insert(entry.id.hash, entry.length, session.now)
            try holdings.set(.unproved, chunk: number, member: member)
            findings.entered.append(entry.id)
            return
        }
        if known.length != entry.length { findings.wrongLength.append(entry.id.hash) }
        guard try holdings.states(chunk: known.number)[member] == nil else { return }
        try holdings.set(.unproved, chunk: known.number, member: member)
        findings.entered.append(entry.id)
    }

    private mutating func take(record entry: InventoryEntry) throws {
        guard let record = try RecordTable.find(entry.id.hash, session) else {
            findings.unknownRecords.append(entry.id.hash)
            return
        }
        // What is new is asked for once more: a collection may have deleted it since the list was made.
        let isHeld = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM record_holding WHERE record = ? AND replica = ?)"
        ).first(record, member) { try $0.get(0, as: Bool.self) }
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
                """
                SELECT c.hash FROM chunk c CROSS JOIN holding h ON h.chunk = c.id AND h.replica = ?
                WHERE c.hash > ? AND c.hash <= ? AND h.state IN (0, 1) ORDER BY c.hash
                """
            case .record:
                """
                SELECT o.hash FROM record o
                CROSS JOIN record_holding h ON h.record = o.id AND h.replica = ?
                WHERE o.hash > ? AND o.hash <= ? ORDER BY o.hash
                """
            }
        return try session.statement(sql).all(member, range.after, range.through) {
            try ObjectID(kind: kind, hash: $0.get(0))
        }
    }
}
