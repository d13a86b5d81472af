import DepotClient
import DepotCore

/// Deletes many names, several at once: they share the syncs of the catalog.
struct Deletions: Sendable {
    typealias Outcome = (name: FileName, result: Result<Void, DepotError>)

    private static let underWayMax = 16

    let client: FileServerClient

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
            return .success(try await client.delete(name))
        } catch {
            return .failure(error)
        }
    }
}
