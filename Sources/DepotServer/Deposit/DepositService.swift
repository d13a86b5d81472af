import DepotCore
import DepotWire
import Logging

/// Takes files in: what DESIGN calls a deposit, without its HTTP.
struct DepositService: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let sessions: DepositSessions
    let copier: ChunkCopier
    let manifests: ManifestReader
    let deliverer: RecordDeliverer

    var timing: FileServerConfiguration.Timing { pool.timing }
    var leaseSeconds: Int { Int(timing.depositLease.components.seconds) }

    /// - Throws: `notEnoughReplicas` where the level cannot be reached, or `requireAll` not now.
    func open(_ body: OpenDepositBody) async throws(DepotError) -> DepositBody {
        try await open(body.deposit, level: body.level, requireAll: body.requireAll)
        return DepositBody(
            deposit: body.deposit, leaseSeconds: leaseSeconds,
            reachableReplicas: pool.accepting.count)
    }

    func open(
        _ deposit: DepositID, level: ReplicationLevel, requireAll: Bool
    ) async throws(DepotError) {
        await pool.ready()
        try pool.requireCurrentCatalog()
        try requireReplicas(for: level, all: requireAll)
        try await catalog.openDeposit(
            DepositOpening(deposit: deposit, level: level, lease: timing.depositLease))
        sessions.open(deposit, level: level, requireAll: requireAll)
    }

    func close(_ deposit: DepositID) async throws(DepotError) {
        sessions.close(deposit)
        try await catalog.closeDeposit(deposit)
    }

    /// What the deposit asks for; from the catalog where the FileServer was restarted meanwhile.
    func terms(of deposit: DepositID) async throws(DepotError) -> DepositSessions.Terms {
        await pool.ready()
        try pool.requireCurrentCatalog()
        if let terms = sessions.terms(of: deposit) { return terms }
        let level = try await catalog.depositLevel(deposit)
        sessions.open(deposit, level: level, requireAll: nil)
        return DepositSessions.Terms(level: level, requireAll: nil)
    }

    /// - Throws: `notEnoughReplicas`, naming those that are not up.
    func requireReplicas(for level: ReplicationLevel, all: Bool) throws(DepotError) {
        let size = pool.size
        guard level.copies <= size else {
            throw pool.notEnough(
                "level \(level) asks for \(level.copies) replicas, the cluster has \(size)")
        }
        let up = pool.accepting.count
        let needed = all ? level.copies : level.majority
        guard up >= needed else {
            throw pool.notEnough(
                all
                    ? "all \(needed) copies are required, \(up) replicas are up"
                    : "level \(level) needs at least \(needed) replicas now, \(up) are up")
        }
    }

    /// - Returns: the chunks to be sent.
    func negotiate(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        let terms = try await terms(of: deposit)
        try requireReplicas(for: terms.level, all: terms.requireAll == true)
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
        return UploadFanout(deposit: deposit, level: terms.level, pool: pool)
    }

    func begin(_ chunk: ChunkReference, in upload: inout UploadFanout) async throws(DepotError) {
        let deposit = upload.deposit
        let known = sessions.holders(of: chunk.id, in: deposit)
        let holders =
            if let known { known } else { try await holders(of: [chunk.id])[chunk.id] }
        guard let holders, holders.length == chunk.length else {
            throw DepotError(
                .invalidArgument,
                "expected a chunk of \(holders?.length.map(String.init) ?? "unknown") bytes, as it was "
                    + "negotiated, found \(chunk.length); negotiate it first", object: chunk.id.hex)
        }
        try upload.begin(chunk, holders: holders)
    }

    func finish(_ upload: inout UploadFanout) async throws(DepotError) {
        let sent = try await upload.finish()
        try sessions.note(sent: sent, of: upload.deposit)
    }
}

extension DepositSessions.Holders {
    init(_ copies: ChunkCopies?) {
        let holdings = copies?.holdings ?? []
        length = copies?.reference.length
        good = holdings.filter { $0.state == .good }.map(\.replica)
        shunned = holdings.filter { $0.state == .bad || $0.state == .released }.map(\.replica)
    }
}
