import DepotCore

extension SQLiteCatalog {
    public func cluster() async throws(DepotError) -> ClusterIdentity {
        try await queue.view { try ClusterTable($0).row().identity }
    }

    public func highestSequence() async throws(DepotError) -> CommitSequence {
        try await queue.view { try ClusterTable($0).row().sequence }
    }

    public func mark() async throws(DepotError) -> CatalogMark {
        try await queue.view { CatalogMark(value: $0.tick) }
    }

    public func damage() async -> DepotError? { await queue.damage.wait() }

    public func check() async throws(DepotError) {
        guard let unchecked else { return }
        do {
            try await unchecked.run()
        } catch is CancellationError {
            throw DepotError(
                .unreachable, "the catalog was not looked at to its end", object: unchecked.path)
        } catch {
            throw queue.damage.mapped(error)
        }
    }
}
