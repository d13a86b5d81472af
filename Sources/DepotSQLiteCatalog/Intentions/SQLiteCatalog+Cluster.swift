import DepotCore
import DepotSQLite
import GRDB

extension SQLiteCatalog {
    public func cluster() async throws(DepotError) -> ClusterIdentity {
        try await queue.view { try Self.clusterRow($0).identity }
    }

    /// Which cluster it is, and the latest sequence that was given.
    static func clusterRow(
        _ session: Session
    ) throws -> (identity: ClusterIdentity, sequence: CommitSequence) {
        let row = try session.statement("SELECT cluster, epoch, counter FROM cluster").first {
            try (
                identity: ClusterIdentity(cluster: $0.get(0), epoch: $0.get(1)),
                sequence: CommitSequence(epoch: $0.get(1), counter: $0.get(2))
            )
        }
        guard let row else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return row
    }

    public func highestSequence() async throws(DepotError) -> CommitSequence {
        try await queue.view { try Self.clusterRow($0).sequence }
    }

    public func mark() async throws(DepotError) -> CatalogMark {
        try await queue.view { CatalogMark(value: $0.tick) }
    }
}
