import DepotCore
import DepotTestSupport
import Dispatch
import Synchronization
import Testing

@testable import DepotStore

/// A sync covers what was written when it began, whatever else came in while the disk worked.
@Suite(.timeLimit(.minutes(1))) struct BarrierTests {
    private final class DuringSync: Sendable {
        private let work = Mutex<(@Sendable () async -> Void)?>(nil)

        func once(_ body: @escaping @Sendable () async -> Void) { work.withLock { $0 = body } }

        var operations: FileOperations {
            FileOperations { operation in
                let outcome = FileOperations.system.perform(operation)
                if case .sync = operation, let body = self.work.withLock({ $0.take() }) {
                    let isDone = DispatchSemaphore(value: 0)
                    Task {
                        await body()
                        isDone.signal()
                    }
                    isDone.wait()
                }
                return outcome
            }
        }
    }

    @Test func `what came in while the disk was syncing is vouched for by the next barrier`()
        async throws
    {
        let (early, late) = (SampleObjects.chunk(1), SampleObjects.chunk(2))
        let disk = DuringSync()
        try await withFolder { folder in
            var configuration = smallSegments(1 << 20)
            configuration.operations = disk.operations
            try await withStore(at: folder + "/a", configuration) { store in
                try await store.put([early])
                disk.once {
                    do {
                        try await store.put([late])
                    } catch {
                        Issue.record(error)
                    }
                }
                let first = try await store.vouch(for: [early.id, late.id])
                #expect(first == [.durable, .absent])
                #expect(try await store.vouch(for: [early.id, late.id]) == [.durable, .durable])
            }
        }
    }
}
