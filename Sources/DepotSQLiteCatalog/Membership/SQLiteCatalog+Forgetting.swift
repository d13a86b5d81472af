import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func forget(_ replica: ReplicaID) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            try FormerBits(session).retire(member)
            try session.statement("DELETE FROM member WHERE id = ?").run(member)
            try FormerNumbers(session).retire(member)
            try ClusterTable(session).countMemberRevision()
            try session.statement("DELETE FROM awaited WHERE replica = ?").run(replica)
            try session.statement(
                "INSERT INTO forgotten (replica) VALUES (?) ON CONFLICT DO NOTHING"
            ).run(replica)
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
