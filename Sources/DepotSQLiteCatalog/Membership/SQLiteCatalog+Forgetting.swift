import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func forget(_ replica: ReplicaID) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            // Its number will be another member's.
            let tables = ["verdict", "setback", "record_holding", "segment"]
            for table in session.isCarrying ? tables + ["holding"] : tables {
                try session.statement("DELETE FROM \(table) WHERE replica = ?").run(member)
            }
            try FormerBits(session).retire(member)
            try session.statement("DELETE FROM member WHERE id = ?").run(member)
            try ClusterTable(session).countMemberRevision()
            try session.statement("DELETE FROM awaited WHERE replica = ?").run(replica)
            try session.statement(
                "INSERT INTO forgotten (replica) VALUES (?) ON CONFLICT DO NOTHING"
            ).run(replica)
            session.membersChanged()
        }
    }

    public func forgotten() async throws(DepotError) -> Set<ReplicaID> {
        try await queue.view { session in
            try Set(
                session.statement("SELECT replica FROM forgotten").all {
                    try $0.get(0, as: ReplicaID.self)
                })
        }
    }
}
