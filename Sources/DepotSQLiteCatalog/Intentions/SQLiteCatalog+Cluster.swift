import DepotCore
import DepotSQLite
import GRDB

extension SQLiteCatalog {
    public func cluster() async throws(DepotError) -> ClusterIdentity {
        try await queue.view { try Self.identity($0) }
    }

    static func identity(_ session: Session) throws -> ClusterIdentity {
        let identity = try session.statement("SELECT cluster, epoch FROM cluster").first {
            try ClusterIdentity(cluster: $0.get(0), epoch: $0.get(1))
        }
        guard let identity else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return identity
    }

    public func highestSequence() async throws(DepotError) -> CommitSequence {
        try await queue.view { session in
            let sequence = try session.statement("SELECT epoch, counter FROM cluster").first {
                try CommitSequence(epoch: $0.get(0), counter: $0.get(1))
            }
            guard let sequence else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
            return sequence
        }
    }

    public func mark() async throws(DepotError) -> CatalogMark {
        try await queue.view { CatalogMark(value: $0.tick) }
    }
}
