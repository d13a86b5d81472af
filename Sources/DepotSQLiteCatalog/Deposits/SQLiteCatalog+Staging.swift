import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func stage(
        _ pages: [ManifestPage], deposit: DepositID
    ) async throws(DepotError) -> [ChunkReference] {
        try await queue.change { session in
            let lease = try Leases(session).renew(deposit)
            var vouched = try VouchedChunks(to: lease.number, session)
            let found = try pages.map { try vouched.page($0) }
            guard vouched.lacking.isEmpty else { return vouched.lacking }
            let manifests = try ManifestTable(session)
            for page in found { try manifests.note(page) }
            return []
        }
    }
}

/// The chunks that replicas have vouched for to one deposit. They are pinned, so a collection
/// forgets none of them.
private struct VouchedChunks {
    /// The chunks that were asked for in vain, each once.
    private(set) var lacking: [ChunkReference] = []
    private var named: Set<ChunkReference> = []
    private let pins: DepositPins
    private let chunks: ChunkTable
    private let members: MemberTable

    init(to deposit: Int64, _ session: Session) throws {
        pins = try DepositPins(of: deposit, session)
        chunks = try ChunkTable(session)
        members = try session.members()
    }

    mutating func page(_ page: ManifestPage) throws -> ManifestTable.Page {
        ManifestTable.Page(
            manifest: try number(page.manifest),
            pieces: try page.pieces.byID.map { try number($0) },
            chunks: try page.chunks.byID.map { try number($0) }, isLast: page.isLast)
    }

    /// - Returns: the chunk's number; 0 where it is lacking.
    /// - Throws: `manifestInvalid` where replicas have vouched for it with another length. Of what they
    ///   have not vouched for to this deposit nothing is said.
    private mutating func number(_ chunk: ChunkReference) throws -> Int64 {
        if let known = try chunks.find(chunk.id),
            try pins.isVouched(known.number, by: members)
        {
            if known.length == chunk.length { return known.number }
            try chunks.refuseContradiction(chunk, known)
        }
        if lacking.count < SQLiteCatalog.lackingMax, named.insert(chunk).inserted {
            lacking.append(chunk)
        }
        return 0
    }
}
