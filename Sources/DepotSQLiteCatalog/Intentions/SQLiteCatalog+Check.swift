import DepotCore

extension SQLiteCatalog {
    public func check() async throws(DepotError) {
        guard let unchecked else { return }
        do {
            try await unchecked.run()
        } catch is CancellationError {
            throw DepotError(
                .unreachable, "the catalog was not looked at to its end", object: unchecked.path)
        } catch {
            throw DatabaseFailure.mapped(error, path: unchecked.path)
        }
    }
}
