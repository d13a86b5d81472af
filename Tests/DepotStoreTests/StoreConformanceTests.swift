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
        try await run(behaviour, smallSegments(1))
    }

    private func run(
        _ behaviour: StorageBehaviour, _ configuration: SegmentStoreConfiguration
    ) async throws {
        try await withFolder { folder in
            try await withStore(at: folder + "/a", configuration) { store in
                let restarted = Mutex<SegmentStore?>(nil)
                let subject = StorageSubject(
                    store, damage: { try await flipBit(of: $0, in: store) },
                    restart: {
                        // What a kill leaves: the files as they are, without a goodbye.
                        try copyFolder(folder + "/a", to: folder + "/b")
                        let store = try await SegmentStore.open(
                            at: folder + "/b", configuration: configuration, logger: quiet)
                        restarted.withLock { $0 = store }
                        return store
                    })
                try await behaviour.check(subject)
                await restarted.withLock { $0 }?.close()
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
