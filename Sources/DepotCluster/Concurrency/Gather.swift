import DepotCore

/// Asks several at once and waits for all answers.
package func gather<Key: Sendable & Hashable, Value: Sendable>(
    _ keys: some Collection<Key>,
    _ ask: @escaping @Sendable (Key) async throws(DepotError) -> Value
) async -> [Key: Result<Value, DepotError>] {
    await withTaskGroup(of: (Key, Result<Value, DepotError>).self) { group in
        for key in keys {
            group.addTask {
                do throws(DepotError) {
                    return (key, .success(try await ask(key)))
                } catch {
                    return (key, .failure(error))
                }
            }
        }
        var answers: [Key: Result<Value, DepotError>] = [:]
        for await (key, answer) in group { answers[key] = answer }
        return answers
    }
}

/// Goes through jobs, so many at once.
package func concurrently<Job: Sendable>(
    _ jobs: some Sequence<Job>, atOnce: Int, _ work: @escaping @Sendable (Job) async -> Void
) async {
    await withTaskGroup(of: Void.self) { group in
        var rest = jobs.makeIterator()
        for _ in 0..<atOnce {
            guard let job = rest.next() else { break }
            group.addTask { await work(job) }
        }
        while await group.next() != nil {
            guard let job = rest.next() else { continue }
            group.addTask { await work(job) }
        }
    }
}
