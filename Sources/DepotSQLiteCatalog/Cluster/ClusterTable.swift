import DepotCore
import DepotSQLite
import GRDB

/// The one row of the cluster: who it is, which sequence was given last, and whether it is whole.
struct ClusterTable {
    private let session: Session

    init(_ session: Session) { self.session = session }

    /// Which cluster it is, and the latest sequence that was given.
    func row() throws -> (identity: ClusterIdentity, sequence: CommitSequence) {
        let row = try session.statement("SELECT cluster, epoch, counter FROM cluster").first {
            let sequence = try $0.sequence(1)
            return (
                identity: ClusterIdentity(cluster: try $0.get(0), epoch: sequence.epoch),
                sequence: sequence
            )
        }
        guard let row else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return row
    }

    /// Whether some member was not inventoried since the catalog was rebuilt.
    func isPartial() throws -> Bool {
        try session.statement(
            "SELECT rebuilding OR EXISTS (SELECT 1 FROM awaited) FROM cluster"
        ).first { try $0.get(0, as: Bool.self) } ?? true
    }

    /// Whether the catalog is being filled from replicas, and takes no deposits.
    func isRebuilding() throws -> Bool {
        try session.statement("SELECT rebuilding FROM cluster").first {
            try $0.get(0, as: Bool.self)
        } ?? false
    }

    func memberRevision() throws -> UInt64 {
        try session.statement("SELECT revision FROM cluster").first {
            try $0.get(0, as: UInt64.self)
        } ?? 0
    }

    /// Counts a change of the member list.
    func countMemberRevision() throws {
        session.assertChange()
        try session.statement("UPDATE cluster SET revision = revision + 1").run()
    }
}
