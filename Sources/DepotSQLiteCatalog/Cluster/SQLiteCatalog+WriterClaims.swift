import DepotCore
import DepotSQLite
import GRDB

extension SQLiteCatalog {
    /// Claims that are remembered. A replica that was away for more starts than this shows a claim
    /// that the catalog no longer knows.
    private static let claimsMax: Int64 = 100_000

    public func makeClaim() async throws(DepotError) -> WriterClaim {
        try await queue.change { session in
            let last = try session.statement("SELECT max(number) FROM claim").first {
                try $0.get(0, as: Int64?.self)
            }
            let number = min(max(0, (last ?? nil) ?? 0), Int64(WriterClaim.numberMax))
            guard let claim = WriterClaim(number: UInt64(number) + 1, id: .random()) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no start follows")
            }
            try session.statement("INSERT INTO claim (number, writer) VALUES (?, ?)")
                .run(claim.number, claim.id)
            try session.statement("DELETE FROM claim WHERE number <= ?")
                .run(number - Self.claimsMax)
            return claim
        }
    }

    public func beginSequences(
        under claim: WriterClaim
    ) async throws(DepotError) -> CommitSequence {
        if claim.number > 1 {
            try await queue.change { session in
                try session.statement("UPDATE cluster SET counter = min(counter + ?, ?)")
                    .run(CommitSequence.leap, CommitSequence.counterMax)
            }
        }
        return try await highestSequence()
    }

    public func hasMade(_ claim: WriterClaim) async throws(DepotError) -> Bool {
        try await queue.view { session in
            try session.statement(
                "SELECT EXISTS (SELECT 1 FROM claim WHERE number = ? AND writer = ?)"
            ).first(claim.number, claim.id) { try $0.get(0, as: Bool.self) } ?? false
        }
    }
}
