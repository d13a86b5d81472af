import DepotClient
import DepotCore

/// Replicas as people call them. Whose token may not ask for the status is told their ids.
struct ReplicaNames: Sendable {
    private var names: [ReplicaID: String] = [:]

    init(asking client: FileServerClient) async {
        let status = try? await Courtesy.limit.run("names") { () async throws(DepotError) in
            try await client.status()
        }
        guard let status else { return }
        for replica in status.replicas {
            if let id = replica.id { names[id] = replica.name }
        }
    }

    subscript(replica: ReplicaID) -> String {
        names[replica] ?? String(replica.description.prefix(8))
    }
}
