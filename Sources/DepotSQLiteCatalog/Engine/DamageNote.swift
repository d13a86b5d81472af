import DepotCore
import Synchronization

/// Damage that somebody came upon while the catalog was in use. It does not go away: the first is
/// kept.
final class DamageNote: Sendable {
    private let path: String
    private let first = Mutex<DepotError?>(nil)
    private let (stream, continuation) = AsyncStream<DepotError>.makeStream(
        bufferingPolicy: .bufferingOldest(1))

    /// - Parameter path: of the catalog's file, which errors name.
    init(path: String) { self.path = path }

    var found: DepotError? { first.withLock { $0 } }

    /// What an error means to the operator. Where it is damage, it is kept.
    func mapped(_ error: any Error) -> DepotError {
        let mapped = DatabaseFailure.mapped(error, path: path)
        if DatabaseFailure.isDamage(error) { note(mapped) }
        return mapped
    }

    private func note(_ error: DepotError) {
        let isNew = first.withLock { first in
            defer { first = first ?? error }
            return first == nil
        }
        if isNew { continuation.yield(error) }
    }

    /// Waits for it; for one caller.
    ///
    /// - Returns: `nil` where the task was cancelled.
    func wait() async -> DepotError? {
        if let found { return found }
        for await error in stream { return error }
        return nil
    }
}
