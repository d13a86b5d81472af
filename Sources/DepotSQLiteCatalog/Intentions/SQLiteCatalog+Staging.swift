import DepotCore

extension SQLiteCatalog {
    public func stage(
        _ pages: [ManifestPage], deposit: DepositID
    ) async throws(DepotError) {
        try await queue.change { session in
            let lease = try Leases.renew(deposit, session)
            let manifests = try ManifestTable(session)
            let negotiation = try Negotiation(deposit: lease.number, session)
            for page in pages {
                // A collection between two pages must not forget the first.
                try negotiation.pin(number: try manifests.enter(page))
            }
        }
    }

    public func staged(among manifests: [ChunkID]) async throws(DepotError) -> Set<ChunkID> {
        try await queue.view { session in
            let table = try ManifestTable(session)
            return try Set(manifests.filter { try table.complete($0) != nil })
        }
    }
}
