import DepotCore
import Logging

// The catalog is disposable: every name has its records on replicas, every record names a manifest, every manifest its
// chunks. So a new catalog is made from the replicas alone. Before anything in it is relied on, a majority of the members
// has a higher epoch, durably: from then on the old catalog, should it turn up, is refused by them. The new one is
// made beside the old one, which whoever calls this moves aside when all is done. Cut off anywhere, it is run again.
//
// Memory: records without their text (`RecordLedger`), and one manifest. Chunks are entered into the new catalog as the
// inventories show them, each is proved by a vouch at once (a look into an index, so that the FileServer starts with
// copies that count), and whether a file is whole is asked of the catalog.

/// Makes a catalog again from the replicas.
public struct CatalogRebuilder: Sendable {
    /// Where the rebuild is, for people who wait.
    public enum Progress: Sendable {
        case inventory(replica: String, chunks: Int)
        case names(done: Int, of: Int)
    }

    public typealias MakeCatalog =
        @Sendable (ClusterIdentity) async throws(DepotError) -> any Catalog

    let replicas: [ReplicaConfiguration]
    let acceptMissing: Bool
    let links: FileServer.Links
    let makeCatalog: MakeCatalog
    let timing: FileServerConfiguration.Timing
    let clock: ServerClock
    let logger: Logger

    /// - Parameter makeCatalog: makes an empty one that takes what was found. Called once, after the epoch was raised.
    public init(
        replicas: [ReplicaConfiguration], acceptMissing: Bool, links: @escaping FileServer.Links,
        makeCatalog: @escaping MakeCatalog, logger: Logger,
        timing: FileServerConfiguration.Timing = .init(), clock: ServerClock = .system
    ) {
        self.replicas = replicas
        self.acceptMissing = acceptMissing
        self.links = links
        self.makeCatalog = makeCatalog
        self.logger = logger
        self.timing = timing
        self.clock = clock
    }

    /// - Returns: what is in the catalog now, which takes deposits from here on.
    /// - Throws: `notEnoughReplicas`, `clusterMismatch`, `conflict`: then no catalog was made. Anything later: run it
    ///   again.
    public func run(
        _ progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws(DepotError) -> RebuildReport {
        let (census, answers) = try await ask()
        guard census.epoch < CommitSequence.epochMax else {
            throw DepotError(.tooLarge, "there is no epoch behind \(census.epoch)")
        }
        let identity = ClusterIdentity(cluster: census.cluster, epoch: census.epoch + 1)
        let seats = try await raiseEpoch(census, answers, identity)
        let catalog = try await makeCatalog(identity)
        let members = try await admit(census, seats, to: catalog)
        let pool = ReplicaPool(
            seats: seats, members: members, cluster: identity, timing: timing, clock: clock,
            logger: logger)
        var report = RebuildReport(census, epoch: identity.epoch)
        try await Reading(pool: pool, catalog: catalog, seats: seats, progress: progress)
            .fill(&report)
        try await catalog.finishRebuild(missing: Set(census.missing))
        return report
    }

    // MARK: Who is there

    private func ask() async throws(DepotError) -> (RebuildCensus, [RebuildCensus.Answer]) {
        guard Set(replicas.map(\.url)).count == replicas.count, !replicas.isEmpty else {
            throw DepotError(.invalidArgument, "name each replica once, and at least one")
        }
        // Who it is, a replica tells everybody who has the token.
        let nobody = ClusterIdentity(cluster: .random(), epoch: 0)
        let byURL = Dictionary(replicas.map { ($0.url, $0) }) { first, _ in first }
        let found = await gather(byURL.keys) { url async throws(DepotError) in
            guard let replica = byURL[url] else {
                throw DepotError(.internalError, "no such replica")
            }
            let link = try links(replica, nobody)
            return try await within(url) { () async throws(DepotError) in
                try await link.standing()
            }
        }
        var answers: [RebuildCensus.Answer] = []
        var problems: [String] = []
        for url in replicas.map(\.url) {
            switch found[url] {
            case .success(let standing): answers.append(.init(url: url, standing: standing))
            case .failure(let error): problems.append("\(url) (\(error))")
            case nil: break
            }
        }
        guard !answers.isEmpty else {
            throw DepotError(
                .notEnoughReplicas, "no replica answered: \(problems.joined(separator: ", "))")
        }
        let census = try RebuildCensus(answers)
        try census.require(acceptMissing: acceptMissing, problems: problems)
        guard answers.count <= RecordLedger.replicasMax else {
            throw DepotError(
                .tooLarge, "a rebuild reads from \(RecordLedger.replicasMax) replicas at most")
        }
        return (census, answers)
    }

    private func within<Value: Sendable>(
        _ url: String, _ question: @escaping @Sendable () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        try await TimeLimit(clock: clock, limit: timing.stallLimit).run(
            "an answer of \(url)", question)
    }

    /// - Returns: a seat for each replica that answered.
    /// - Throws: `notEnoughReplicas` where fewer than a majority took the new epoch.
    private func raiseEpoch(
        _ census: RebuildCensus, _ answers: [RebuildCensus.Answer], _ identity: ClusterIdentity
    ) async throws(DepotError) -> [ReplicaSeat] {
        let membership = ClusterMembership(
            cluster: identity.cluster, epoch: identity.epoch, members: census.members)
        var seats: [ReplicaSeat] = []
        for answer in answers {
            guard let replica = replicas.first(where: { $0.url == answer.url }) else { continue }
            let seat = ReplicaSeat(
                url: replica.url, givenName: replica.name,
                fallbackName: ReplicaSeat.authority(of: replica.url), zone: replica.zone,
                capacity: replica.capacity, isConfigured: true, member: answer.standing.replica,
                link: try links(replica, identity))
            seats.append(seat)
        }
        let work = Dictionary(seats.map { ($0.url, $0) }) { first, _ in first }
        let adopted = await gather(work.keys) { url async throws(DepotError) in
            guard let seat = work[url] else { throw DepotError(.internalError, "no such seat") }
            let link = seat.link
            return try await within(url) { () async throws(DepotError) in
                guard try await link.standing().replica == seat.replica else {
                    throw DepotError(.conflict, "another replica answers now", object: url)
                }
                return try await link.adopt(membership)
            }
        }
        var failures: [String] = []
        for (url, answer) in adopted {
            switch answer {
            case .success(let standing):
                work[url]?.state.withLock { ($0.standing, $0.condition) = (standing, .up) }
            case .failure(let error): failures.append("\(url) (\(error))")
            }
        }
        guard seats.count - failures.count >= census.majority else {
            throw DepotError(
                .notEnoughReplicas,
                "\(seats.count - failures.count) members took the new epoch, \(census.majority) are needed; not "
                    + failures.sorted().joined(separator: ", ") + ". Run it again when they do")
        }
        for seat in seats where seat.condition == .unknown {
            let standing = answers.first { $0.url == seat.url }?.standing
            seat.state.withLock { state in
                state.standing = standing
                state.condition = .readOnly("it did not take the new epoch")
            }
        }
        return seats
    }

    /// Members that are missing have no address that is known: they get one that leads nowhere, until they show up.
    private func admit(
        _ census: RebuildCensus, _ seats: [ReplicaSeat], to catalog: any Catalog
    ) async throws(DepotError) -> [Member] {
        var members: [Member] = []
        for seat in seats {
            guard let standing = seat.state.withLock({ $0.standing }) else { continue }
            let isTaken = members.contains { $0.name == seat.name }
            members.append(
                Member(
                    replica: standing.replica, name: isTaken ? seat.fallbackName : seat.name,
                    url: seat.url, zone: seat.zone ?? standing.zone ?? ReplicaSeat.defaultZone,
                    capacity: seat.capacity ?? ByteCount(standing.capacity),
                    position: standing.position))
        }
        for replica in census.missing {
            members.append(
                Member(
                    replica: replica, name: "missing-\(replica.description.prefix(8))",
                    url: "http://\(replica).invalid:7401", zone: ReplicaSeat.defaultZone,
                    capacity: ByteCount(0), position: LogPosition(opens: 0, segment: 0, offset: 0)))
        }
        for member in members { try await catalog.admit(member) }
        return members
    }
}

/// Reads what the replicas hold into the new catalog.
private struct Reading {
    /// Records that are read, and entered in one transaction, with those of the last name.
    static let pageSize = 256
    /// Content of manifests in memory: a manifest and a piece of it.
    static let memory = 24 << 20

    let pool: ReplicaPool
    let catalog: any Catalog
    let seats: [ReplicaSeat]
    let progress: @Sendable (CatalogRebuilder.Progress) -> Void

    func fill(_ report: inout RebuildReport) async throws(DepotError) {
        let replicas = seats.compactMap(\.replica)
        var ledger = RecordLedger(replicas: replicas)
        var marks: [CatalogMark] = []
        for (number, replica) in replicas.enumerated() {
            marks.append(try await catalog.mark())
            report.copies += try await inventory(replica, number, &ledger)
        }
        let inspector = CopyInspector(pool: pool, catalog: catalog)
        let restorer = ManifestRestorer(
            catalog: catalog,
            manifests: ManifestReader(
                fetcher: ChunkFetcher(pool: pool, catalog: catalog, inspector: inspector),
                budget: MemoryBudget(size: Self.memory)))
        try await restore(&ledger, restorer, &report)
        for (replica, mark) in zip(replicas, marks) {
            try await catalog.noteInventory(of: replica, asOf: mark)
        }
        report.foreignRecords = ledger.foreign.count
        for id in ledger.unreadable.sorted() { report.note(unreadable: id) }
    }

    private func inventory(
        _ replica: ReplicaID, _ number: Int, _ ledger: inout RecordLedger
    ) async throws(DepotError) -> Int {
        let reader = RecordReader(pool: pool)
        let name = pool.name(of: replica)
        progress(.inventory(replica: name, chunks: 0))
        var found = ledger
        let comparison = try await InventoryComparer(pool: pool, catalog: catalog).walk(replica) {
            ids async throws(DepotError) in
            for batch in found.note(ids, on: number).pages(of: RecordReader.batchSize) {
                let records = try await reader.read(Array(batch), from: replica)
                for (id, record) in zip(batch, records) { found.take(id, record, on: number) }
            }
        }
        ledger = found
        progress(.inventory(replica: name, chunks: comparison.chunks))
        return comparison.chunks
    }

    // MARK: Names

    private func restore(
        _ ledger: inout RecordLedger, _ restorer: ManifestRestorer, _ report: inout RebuildReport
    ) async throws(DepotError) {
        let names = ledger.names()
        var page: [ArraySlice<RecordLedger.Entry>] = []
        var size = 0
        for (index, name) in names.enumerated() {
            page.append(name)
            size += name.count
            guard size >= Self.pageSize || index == names.count - 1 else { continue }
            try await restore(page, ledger, restorer, &report)
            (page, size) = ([], 0)
            progress(.names(done: index + 1, of: names.count))
        }
    }

    private func restore(
        _ page: [ArraySlice<RecordLedger.Entry>], _ ledger: RecordLedger,
        _ restorer: ManifestRestorer, _ report: inout RebuildReport
    ) async throws(DepotError) {
        let records = try await read(page.flatMap { $0 }, ledger)
        var newest: [RestoredRecord] = []
        var older: [RestoredRecord] = []
        for name in page {
            let versions = name.compactMap { entry -> RestoredRecord? in
                guard let record = records[entry.id] else {
                    report.note(unreadable: entry.id)
                    return nil
                }
                return RestoredRecord(record: record, holders: Set(ledger.holders(of: entry)))
            }
            let (chosen, rest) = try await choose(versions, restorer, &report)
            if let chosen { newest.append(chosen) }
            older += rest
        }
        if !newest.isEmpty { try await catalog.restore(newest) }
        try await enter(older: older)
    }

    /// Takes the newest version that is whole.
    ///
    /// - Returns: it, and those that are older.
    private func choose(
        _ versions: [RestoredRecord], _ restorer: ManifestRestorer, _ report: inout RebuildReport
    ) async throws(DepotError) -> (RestoredRecord?, ArraySlice<RestoredRecord>) {
        var lacking: (record: FileRecord, gap: FileGap)?
        for (index, version) in versions.enumerated() {
            let record = version.record
            switch record.content {
            case .deleted:
                report.tombstones += 1
                if let lacking { report.note(lacking.record, lacking.gap, restored: nil) }
                return (version, versions[(index + 1)...])
            case .file(_, let manifest, let size, _):
                let gap = try await restorer.restore(manifest)
                guard gap.isEmpty else {
                    lacking = lacking ?? (record, gap)
                    continue
                }
                report.files += 1
                report.bytes += size
                if let lacking {
                    report.note(lacking.record, lacking.gap, restored: record.sequence)
                }
                return (version, versions[(index + 1)...])
            }
        }
        if let lacking { report.note(lacking.record, lacking.gap, restored: nil) }
        return (nil, [])
    }

    /// Those that have newer word are known from now on, so that they go when it is their time.
    private func enter(older: [RestoredRecord]) async throws(DepotError) {
        for version in older {
            for replica in version.holders {
                _ = try await catalog.enterOld(version.record, on: replica)
            }
        }
    }

    /// Asks the holders of each, one after the other, until one gives it soundly.
    private func read(
        _ entries: [RecordLedger.Entry], _ ledger: RecordLedger
    ) async throws(DepotError) -> [ChunkID: FileRecord] {
        let reader = RecordReader(pool: pool)
        var records: [ChunkID: FileRecord] = [:]
        var queues = entries.map { (id: $0.id, holders: ledger.holders(of: $0)) }
        while true {
            var asking: [ReplicaID: [ChunkID]] = [:]
            for index in queues.indices
            where records[queues[index].id] == nil && !queues[index].holders.isEmpty {
                let holder = queues[index].holders.removeFirst()
                asking[holder, default: []].append(queues[index].id)
            }
            if asking.isEmpty { return records }
            let work = asking
            let answers = await gather(work.keys) { replica async throws(DepotError) in
                try await reader.read(work[replica] ?? [], from: replica)
            }
            for (replica, answer) in answers {
                guard case .success(let found) = answer else { continue }
                for (id, record) in zip(work[replica] ?? [], found) {
                    if case .record(let record) = record { records[id] = record }
                }
            }
        }
    }
}

extension RebuildReport {
    fileprivate mutating func note(
        _ record: FileRecord, _ gap: FileGap, restored: CommitSequence?
    ) {
        note(
            Incomplete(
                name: record.name, sequence: record.sequence, problem: gap.description,
                restored: restored))
    }

    fileprivate mutating func note(unreadable id: ChunkID) {
        unreadableRecords += 1
        if unreadableListed.count < Self.listedMax { unreadableListed.append(id) }
    }
}
