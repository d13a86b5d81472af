import DepotCluster
import DepotCore
import Logging

// The catalog is disposable: every name has its records on replicas, every record names a manifest
// or the only chunk, every manifest its chunks. So a new catalog is made from the replicas alone.
// Before anything in it is relied on, a majority of the members has a higher epoch, durably: from
// then on the old catalog, should it turn up, is refused by them. The new one is made beside the old
// one, which whoever calls this moves aside when all is done. Cut off anywhere, it is run again.
//
// Memory: of the survey, records without their text (`RecordLedger`); then one manifest, and the
// records of a page of names. Chunks are entered into the new catalog as the inventories show them, each is proved by a vouch at once (a look into an
// index, so that the FileServer starts with copies that count), and whether a file is whole is
// asked of the catalog.

/// Makes a catalog again from the replicas.
public struct CatalogRebuilder: Sendable {
    /// Where the rebuild is, for people who wait.
    public enum Progress: Sendable {
        case inventory(replica: String, chunks: Int)
        case records(done: Int, of: Int)
    }

    public typealias MakeCatalog =
        @Sendable (ClusterIdentity) async throws(DepotError) -> any Catalog

    let replicas: [ReplicaConfiguration]
    let acceptMissing: Bool
    let acceptMinority: Bool
    let links: ReplicaLinks
    let makeCatalog: MakeCatalog
    let context: ServerContext

    /// - Parameter makeCatalog: makes an empty one that takes what was found. Called once, after
    ///   the epoch was raised.
    public init(
        replicas: [ReplicaConfiguration], acceptMissing: Bool, acceptMinority: Bool = false,
        links: @escaping ReplicaLinks, makeCatalog: @escaping MakeCatalog, logger: Logger,
        timing: ServerTiming = .init(), clock: ServerClock = .system
    ) {
        self.replicas = replicas
        self.acceptMissing = acceptMissing
        self.acceptMinority = acceptMinority
        self.links = links
        self.makeCatalog = makeCatalog
        context = ServerContext(timing: timing, clock: clock, logger: logger)
    }

    /// - Returns: what is in the catalog now, which takes deposits from here on.
    /// - Throws: `notEnoughReplicas`, `clusterMismatch`, `conflict`: then no catalog was made.
    ///   Anything later: run it again. Where the newest word on a name is a minority's, and that is
    ///   not accepted, nothing was changed at all.
    public func run(
        _ progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws(DepotError) -> RebuildReport {
        let (census, answers) = try await ask()
        guard census.epoch < CommitSequence.epochMax else {
            let url = answers.first { $0.standing.membership?.epoch == census.epoch }?.url
            throw DepotError(
                .tooLarge,
                "it says epoch \(census.epoch), behind which there is none, and is not to be "
                    + "believed; leave it out with --accept-missing", object: url)
        }
        let minority = try await survey(census, answers)
        try minority.require(acceptMinority: acceptMinority)
        let identity = ClusterIdentity(cluster: census.cluster, epoch: census.epoch + 1)
        let nodes = try await raiseEpoch(census, answers, to: identity)
        let catalog = try await makeCatalog(identity)
        let members = try await admit(census, nodes, to: catalog)
        let pool = ReplicaPool(
            nodes: nodes, members: members, cluster: identity, context: context)
        var report = RebuildReport(census, epoch: identity.epoch)
        (report.minorityWords, report.minorityWordsListed) = (minority.count, minority.listed)
        if let known = answers.compactMap(\.standing.highestSequence).max(),
            !census.missing.isEmpty, minority.newest.map({ known > $0 }) ?? true
        {
            report.newestKnown = known
        }
        let cluster = ClusterParts(
            context: context, pool: pool, catalog: catalog, workMemory: RebuildReading.memory)
        try await RebuildReading(
            cluster: cluster, catalog: catalog, nodes: nodes, progress: progress
        )
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

    func within<Value: Sendable>(
        _ url: String, _ question: @escaping @Sendable () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        try await TimeLimit(clock: context.clock, limit: context.timing.stallLimit).run(
            "an answer of \(url)", question)
    }

    /// A node for each replica that answered.
    func nodes(
        _ answers: [RebuildCensus.Answer], of identity: ClusterIdentity
    ) throws(DepotError) -> [ReplicaNode] {
        var nodes: [ReplicaNode] = []
        for answer in answers {
            guard let replica = replicas.first(where: { $0.url == answer.url }) else { continue }
            let node = ReplicaNode(
                replica, member: answer.standing.replica, link: try links(replica, identity))
            nodes.append(node)
        }
        return nodes
    }

    /// - Returns: a node for each replica that answered.
    /// - Throws: `notEnoughReplicas` where fewer than a majority took the new epoch.
    private func raiseEpoch(
        _ census: RebuildCensus, _ answers: [RebuildCensus.Answer], to identity: ClusterIdentity
    ) async throws(DepotError) -> [ReplicaNode] {
        let membership = ClusterMembership(
            cluster: identity.cluster, epoch: identity.epoch, members: census.members)
        let nodes = try nodes(answers, of: identity)
        let work = Dictionary(nodes.map { ($0.url, $0) }) { first, _ in first }
        let adopted = await gather(work.keys) { url async throws(DepotError) in
            guard let node = work[url] else { throw DepotError(.internalError, "no such node") }
            let link = node.link
            return try await within(url) { () async throws(DepotError) in
                guard try await link.standing().replica == node.replica else {
                    throw DepotError(.conflict, "another replica answers now", object: url)
                }
                return try await link.adopt(membership)
            }
        }
        var failures: [String] = []
        for (url, answer) in adopted {
            switch answer {
            case .success(let standing):
                work[url]?.note { $0.answeredRebuild(standing) }
            case .failure(let error): failures.append("\(url) (\(error))")
            }
        }
        guard nodes.count - failures.count >= census.majority else {
            throw DepotError(
                .notEnoughReplicas,
                "\(nodes.count - failures.count) members took the new epoch, \(census.majority) "
                    + "are needed; not "
                    + failures.sorted().joined(separator: ", ") + ". Run it again when they do")
        }
        for node in nodes where node.condition == .unknown {
            let standing = answers.first { $0.url == node.url }?.standing
            node.note { $0.keptOldEpoch(standing) }
        }
        return nodes
    }

    private func admit(
        _ census: RebuildCensus, _ nodes: [ReplicaNode], to catalog: any MembershipCatalog
    ) async throws(DepotError) -> [Member] {
        let members = members(census, nodes)
        for member in members { try await catalog.admit(member) }
        return members
    }

    /// Members that are missing have no address that is known: they get one that leads nowhere,
    /// until they show up.
    func members(_ census: RebuildCensus, _ nodes: [ReplicaNode]) -> [Member] {
        var members: [Member] = []
        for node in nodes {
            guard let standing = node.state.standing else { continue }
            let isTaken = members.contains { $0.name == node.name }
            members.append(
                Member(
                    replica: standing.replica, name: isTaken ? node.fallbackName : node.name,
                    url: node.url, zone: node.zone ?? standing.zone ?? ReplicaNode.defaultZone,
                    capacity: node.capacity ?? ByteCount(standing.capacity),
                    position: standing.position))
        }
        for replica in census.missing {
            members.append(
                Member(
                    replica: replica, name: "missing-\(replica.description.prefix(8))",
                    url: "http://\(replica).invalid:7401", zone: ReplicaNode.defaultZone,
                    capacity: ByteCount(0), position: LogPosition(opens: 0, segment: 0, offset: 0)))
        }
        return members
    }
}
