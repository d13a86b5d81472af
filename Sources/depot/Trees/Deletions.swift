import DepotClient
import DepotCore

/// Deletes many names, several at once: they share the syncs of the catalog.
struct Deletions: Sendable {
    typealias Outcome = (name: FileName, result: Result<Void, DepotError>)

    private static let underWayMax = 16

    let client: FileServerClient
    /// Whether what the names were is forgotten, too.
    let purges: Bool

    /// - Parameter onOutcome: told of each when it is known, in no order.
    func delete(_ names: [FileName], onOutcome: (Outcome) -> Void) async {
        await withTaskGroup(of: Outcome.self) { tasks in
            for (index, name) in names.enumerated() {
                if index >= Self.underWayMax, let done = await tasks.next() { onOutcome(done) }
                tasks.addTask { (name, await delete(name)) }
            }
            for await done in tasks { onOutcome(done) }
        }
    }

    func delete(_ name: FileName) async -> Result<Void, DepotError> {
        do throws(DepotError) {
            try await client.delete(name)
        } catch {
            guard purges, error.code == .notFound else { return .failure(error) }
            // What was deleted before may be purged as well.
            return await purge(name, unless: error)
        }
        return purges ? await purge(name, unless: nil) : .success(())
    }

    /// - Parameter absence: why it could not be deleted.
    private func purge(
        _ name: FileName, unless absence: DepotError?
    ) async -> Result<Void, DepotError> {
        do throws(DepotError) {
            let forgotten = try await client.purge(name).versions
            if let absence, forgotten == 0 { return .failure(absence) }
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}
