import DepotCluster
import DepotCore

extension CatalogRebuilder {
    /// Which names have their newest word from a minority. Reads at the epoch that there is:
    /// nothing is changed.
    func survey(
        _ census: RebuildCensus, _ answers: [RebuildCensus.Answer]
    ) async throws(DepotError) -> RecordSurvey.Findings {
        let identity = ClusterIdentity(cluster: census.cluster, epoch: census.epoch)
        let nodes = try nodes(answers, of: identity)
        for node in nodes {
            // A link asks nobody for data who has not said through it who it is.
            let standing = try await within(node.url) { () async throws(DepotError) in
                try await node.link.standing()
            }
            guard standing.replica == node.replica else {
                throw DepotError(.conflict, "another replica answers now", object: node.url)
            }
            node.note { $0.answeredRebuild(standing) }
        }
        let pool = ReplicaPool(
            nodes: nodes, members: members(census, nodes), cluster: identity, context: context)
        return try await RecordSurvey(
            pool: pool, replicas: nodes.compactMap(\.replica), members: census.members.count
        ).run()
    }
}
