import DepotCluster
import DepotCore
import DepotWire
import Logging

/// Takes files in, without the HTTP around it: negotiation, upload, barrier, commit, receipt.
struct DepositService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any DepositCatalog & FileCatalog & CopyCatalog
    let sessions: DepositSessions
    let openDeposits: OpenDeposits
    let copier: ChunkCopier
    let manifests: ManifestReader
    let deliverer: RecordDeliverer
    /// Is told when a deposit is over.
    let isOver: @Sendable () -> Void

    var timing: ServerTiming { context.timing }
    var leaseSeconds: Int { Int(clamping: timing.depositLease.components.seconds) }

    /// Opens a deposit that outlives its request.
    ///
    /// - Throws: `notEnoughReplicas` where the level cannot be reached, or `requireAll` not now;
    ///   `busy` where the client, or all together, have too many open.
    func open(
        _ body: OpenDepositBody, for client: Borrower
    ) async throws(DepotError) -> DepositBody {
        let isNew = try openDeposits.open(body.deposit, by: client)
        do throws(DepotError) {
            try await open(body.deposit, level: body.level, requireAll: body.requireAll)
        } catch {
            if isNew { openDeposits.close(body.deposit) }
            throw error
        }
        return DepositBody(
            deposit: body.deposit, leaseSeconds: leaseSeconds,
            reachableReplicas: pool.accepting.count, cluster: pool.cluster.cluster)
    }

    func open(
        _ deposit: DepositID, level: ReplicationLevel, requireAll: Bool
    ) async throws(DepotError) {
        await pool.ready()
        try pool.requireCurrentCatalog()
        try await requireReplicas(for: level, all: requireAll)
        try await catalog.openDeposit(
            DepositOpening(deposit: deposit, level: level, lease: timing.depositLease))
        sessions.open(deposit, level: level, requireAll: requireAll)
    }

    func close(_ deposit: DepositID) async throws(DepotError) {
        try await catalog.closeDeposit(deposit)
        sessions.close(deposit)
        openDeposits.close(deposit)
        isOver()
    }

    /// What the deposit asks for; from the catalog where the FileServer was restarted meanwhile.
    func terms(of deposit: DepositID) async throws(DepotError) -> DepositSessions.Terms {
        await pool.ready()
        try pool.requireCurrentCatalog()
        openDeposits.renew(deposit)
        if let terms = sessions.terms(of: deposit) { return terms }
        let level = try await catalog.depositLevel(deposit)
        sessions.open(deposit, level: level, requireAll: nil)
        return DepositSessions.Terms(level: level, requireAll: nil)
    }

    /// - Throws: `notEnoughReplicas`, naming those that are not up.
    func requireReplicas(for level: ReplicationLevel, all: Bool) async throws(DepotError) {
        try pool.requireMembers(for: level)
        try await pool.requireMajority()
        let up = pool.accepting.count
        let needed = all ? level.copies : level.majority
        guard up >= needed else {
            throw pool.notEnough(
                all
                    ? "all \(needed) copies are required, \(up) replicas are up"
                    : "level \(level) needs at least \(needed) replicas now, \(up) are up")
        }
    }

    /// - Parameter reach: of whoever asks.
    /// - Returns: the chunks to be sent.
    func negotiate(
        _ deposit: DepositID, _ chunks: [ChunkReference], within reach: NameReach
    ) async throws(DepotError) -> [ChunkReference] {
        let terms = try await terms(of: deposit)
        try await requireReplicas(for: terms.level, all: terms.requireAll == true)
        guard reach == .everything else {
            return try await evenly { () throws(DepotError) in
                try await lacking(among: chunks, deposit, under: terms, within: reach)
            }
        }
        return try await lacking(among: chunks, deposit, under: terms)
    }

    func lacking(
        among chunks: [ChunkReference], _ deposit: DepositID, under terms: DepositSessions.Terms
    ) async throws(DepotError) -> [ChunkReference] {
        let live = pool.accepting
        let lacking = try await catalog.negotiate(
            deposit, chunks: chunks, live: live, copies: min(terms.level.copies, live.count))
        sessions.note(holders: try await holders(of: lacking.map(\.id)), of: deposit)
        return lacking
    }

    private func holders(
        of chunks: [ChunkID]
    ) async throws(DepotError) -> [ChunkID: DepositSessions.Holders] {
        guard !chunks.isEmpty else { return [:] }
        var found: [ChunkID: DepositSessions.Holders] = [:]
        for (chunk, copies) in zip(chunks, try await catalog.copies(of: chunks)) {
            found[chunk] = DepositSessions.Holders(copies)
        }
        return found
    }

    /// Begins an upload. Its objects go through `begin`; the end is `finish`.
    func upload(to deposit: DepositID) async throws(DepotError) -> UploadFanout {
        let terms = try await terms(of: deposit)
        try await catalog.renewDeposit(deposit)
        return UploadFanout(
            deposit: deposit, level: terms.level, context: context, pool: pool)
    }

    /// - Parameter reach: of whoever sends it. One that is limited sends it as if nobody had it,
    ///   unless the negotiation said something else.
    func begin(
        _ chunk: ChunkReference, in upload: inout UploadFanout, within reach: NameReach
    ) async throws(DepotError) {
        let deposit = upload.deposit
        let known = sessions.holders(of: chunk.id, in: deposit)
        let holders =
            if let known {
                known
            } else if reach != .everything {
                DepositSessions.Holders.unknown
            } else {
                DepositSessions.Holders(try await catalog.copies(of: [chunk.id]).first ?? nil)
            }
        if let length = holders.length, length != chunk.length {
            throw DepotError(
                .invalidArgument,
                "expected a chunk of \(length) bytes, as replicas have it, found \(chunk.length); "
                    + "read and cut the file again", object: chunk.id.hex)
        }
        try upload.begin(chunk, holders: holders)
    }

    func finish(_ upload: inout UploadFanout) async throws(DepotError) {
        let sent = try await upload.finish()
        try sessions.note(sent: sent, of: upload.deposit)
    }

    /// Gives an upload up. What came to replicas of it is remembered, to be deleted when the
    /// deposit is over.
    func giveUp(_ upload: UploadFanout) {
        upload.cancel()
        sessions.note(attempted: upload.attempted, of: upload.deposit)
    }
}

extension DepositSessions.Holders {
    /// Of a chunk that nobody has, or of which the client is not to know.
    static let unknown = Self(nil)

    init(_ copies: ChunkCopies?) {
        let holdings = copies?.holdings ?? []
        length = copies?.proved?.length
        good = holdings.filter { $0.state == .good }.map(\.replica)
        shunned = holdings.filter { $0.state == .bad || $0.state == .released }.map(\.replica)
    }
}
