import DepotCore

/// Changes of many names, several at once: they share the syncs of the catalog.
enum ManyNames {
    private static let underWayMax = 16

    /// - Parameter onOutcome: told of each when it is known, in no order; where the task is cancelled,
    ///   of those that were begun.
    static func each<Value: Sendable>(
        _ names: [FileName],
        _ change: @escaping @Sendable (FileName) async throws(DepotError) -> Value,
        onOutcome: (FileName, Result<Value, DepotError>) -> Void
    ) async {
        await withTaskGroup(of: (FileName, Result<Value, DepotError>).self) { tasks in
            for (index, name) in names.enumerated() where !Task.isCancelled {
                if index >= underWayMax, let done = await tasks.next() { onOutcome(done.0, done.1) }
                tasks.addTask {
                    do throws(DepotError) {
                        return (name, .success(try await change(name)))
                    } catch {
                        return (name, .failure(error))
                    }
                }
            }
            for await done in tasks { onOutcome(done.0, done.1) }
        }
    }
}
