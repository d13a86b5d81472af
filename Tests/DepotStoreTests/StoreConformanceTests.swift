import DepotCore
import DepotStore
import DepotTestSupport
import Synchronization
import Testing

@Suite struct StoreConformanceTests {
    @Test(arguments: StorageConformance.behaviours)
    func `a store does what every storage must`(_ behaviour: StorageBehaviour) async throws {
        try await run(behaviour, smallSegments(256 << 10))
    }

    /// A segment for every object: everything is in the sealed index.
    @Test(arguments: StorageConformance.behaviours)
    func `a store of tiny segments does so, too`(_ behaviour: StorageBehaviour) async throws {
        try await run(behaviour, smallSegments(1), inMemory: true)
    }

    private func run(
        _ behaviour: StorageBehaviour, _ configuration: SegmentStoreConfiguration,
        inMemory: Bool = false
    ) async throws {
        try await withFolder(inMemory: inMemory) { folder in
            try await withStore(at: folder + "/0", configuration) { store in
                let lives = Mutex([store])
                let newest = { @Sendable in lives.withLock { ($0[$0.count - 1], $0.count) } }
                let subject = StorageSubject(
                    store, damage: { try await flipBit(of: $0, in: newest().0) },
                    restart: {
                        // What a kill leaves: the files as they are, without a goodbye.
                        let number = newest().1
                        try copyFolder("\(folder)/\(number - 1)", to: "\(folder)/\(number)")
                        let store = try await SegmentStore.open(
                            at: "\(folder)/\(number)", configuration: configuration, logger: quiet)
                        lives.withLock { $0.append(store) }
                        return store
                    })
                let outcome = await Task { try await behaviour.check(subject) }.result
                for store in lives.withLock({ $0.dropFirst() }) { await store.close() }
                try outcome.get()
            }
        }
    }

    @Test(arguments: StorageConformance.behaviours)
    func `a replica in memory does what every storage must`(
        _ behaviour: StorageBehaviour
    ) async throws {
        let replica = MemoryReplica()
        try await behaviour.check(subject(replica, replica))
    }

    @Test(arguments: StorageConformance.behaviours)
    func `a faulty replica without faults does so, too`(
        _ behaviour: StorageBehaviour
    ) async throws {
        let replica = MemoryReplica()
        try await behaviour.check(subject(FaultyReplica(replica), replica))
    }

    private func subject(_ storage: any ChunkStorage, _ base: MemoryReplica) -> StorageSubject {
        StorageSubject(
            storage, damage: { base.damage($0) },
            restart: {
                base.losePower()
                return storage
            })
    }
}
