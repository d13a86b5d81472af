import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func reconcile(
        _ page: InventoryPage, of replica: ReplicaID
    ) async throws(DepotError) -> InventoryFindings {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            var comparison = try PageComparison(page, member: member, session)
            return try comparison.run()
        }
    }

    public func noteInventory(
        of replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            try session.statement(
                """
                UPDATE member SET inventoried = max(inventoried, ?), unexplained = NULL
                WHERE id = ?
                """
            ).run(mark.value, member)
        }
    }

    public func noteUnexplained(
        _ name: FileName, on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            try session.statement("UPDATE member SET unexplained = ? WHERE id = ?")
                .run(name, session.members().number(of: replica))
        }
    }

    public func isInventoryDue(of replica: ReplicaID) async throws(DepotError) -> Bool {
        try await queue.view { session in
            try session.statement(
                "SELECT inventoried < restarted FROM member WHERE id = ?"
            ).first(session.members().number(of: replica)) { try $0.get(0) } ?? true
        }
    }
}
