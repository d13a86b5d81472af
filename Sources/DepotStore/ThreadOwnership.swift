import Glibc
import Synchronization

// The log has one writer because one thread appends, and a sync that failed is seen because one
// thread syncs. Without this only comments said so: a call from another thread compiled, and worked
// in most runs.

/// The one thread that may do something: the first that asked. For assertions.
struct ThreadOwnership: ~Copyable {
    private let owner = Atomic<UInt>(0)

    /// Whether the caller's thread is the one.
    var isMine: Bool {
        let mine = UInt(pthread_self())
        let (wasFree, found) = owner.compareExchange(
            expected: 0, desired: mine, ordering: .relaxed)
        return wasFree || found == mine
    }
}
