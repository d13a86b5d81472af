import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1

/// Answers every request whose body is small enough to be read whole. `ObjectReceiver` takes the
/// objects that are sent.
struct ReplicaRequestHandler: Sendable {
    let context: ReplicaContext

    /// Checks that the sender speaks for the cluster that this replica belongs to, and is its
    /// writer where the request wants that.
    ///
    /// - Throws: `clusterMismatch`, `epochStale`.
    func checkClaim(
        _ headers: HTTPHeaders, wantsWriter: Bool
    ) async throws(DepotError) -> ReplicaStanding {
        let claim = try headers.claim()
        let standing = try await context.storage.standing()
        guard let membership = standing.membership else {
            throw DepotError(
                .clusterMismatch, "this replica belongs to no cluster yet",
                object: standing.replica.description)
        }
        guard membership.cluster == claim.cluster else {
            throw DepotError(
                .clusterMismatch,
                "this replica belongs to cluster \(membership.cluster), not to \(claim.cluster)",
                object: standing.replica.description)
        }
        guard claim.epoch >= membership.epoch else {
            throw DepotError(
                .epochStale,
                "this replica has seen epoch \(membership.epoch), the FileServer is at "
                    + "\(claim.epoch): another one has taken over",
                object: standing.replica.description)
        }
        if wantsWriter {
            try membership.require(claim.writer, epoch: claim.epoch, by: standing.replica)
        }
        return standing
    }

    func checkClaim(_ request: ReplicaRequest) async throws(DepotError) -> ReplicaStanding {
        try await checkClaim(request.headers, wantsWriter: request.wantsWriter)
    }

    func answer(
        _ request: ReplicaRequest, _ body: ByteBuffer
    ) async throws(DepotError) -> ReplicaResponse {
        switch request.asked {
        case .metrics: await .exposition(context.metrics.exposition())
        case .identity(let asked): try await answer(asked, body: body)
        case .objects(let asked): try await answer(asked, of: request, body: body)
        case .upkeep(let asked): try await answer(asked, of: request, body: body)
        }
    }
}
