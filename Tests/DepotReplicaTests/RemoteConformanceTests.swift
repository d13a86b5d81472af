import DepotClient
import DepotCore
import DepotReplica
import DepotStore
import DepotTestSupport
import Synchronization
import Testing

/// The whole way: client, transport, sockets, server, storage.
@Suite(.timeLimit(.minutes(1))) struct RemoteConformanceTests {
    @Test(arguments: StorageConformance.behaviours)
    func `a store across the network does what every storage must`(
        _ behaviour: StorageBehaviour
    ) async throws {
        try await withFolder { folder in
            let store = try await openStore(at: folder + "/a")
            let first = try await Served(store, for: behaviour)
            let second = Mutex<(Served, SegmentStore)?>(nil)
            let subject = StorageSubject(
                first.remote, damage: { try await flipBit(of: $0, in: store) },
                restart: {
                    await first.replica.stop()
                    try copyFolder(folder + "/a", to: folder + "/b")
                    let store = try await openStore(at: folder + "/b")
                    let served = try await Served(store, for: nil)
                    second.withLock { $0 = (served, store) }
                    return served.remote
                })
            let outcome = await Task { try await behaviour.check(subject) }.result
            await first.replica.stop()
            await store.close()
            if let (served, store) = second.withLock({ $0 }) {
                await served.replica.stop()
                await store.close()
            }
            try outcome.get()
        }
    }

    @Test(arguments: StorageConformance.behaviours)
    func `a memory across the network does so, too`(_ behaviour: StorageBehaviour) async throws {
        let memory = MemoryReplica()
        let served = try await Served(memory, for: behaviour)
        let subject = StorageSubject(
            served.remote, damage: { memory.damage($0) },
            restart: {
                memory.losePower()
                return served.remote
            })
        let outcome = await Task { try await behaviour.check(subject) }.result
        await served.replica.stop()
        try outcome.get()
    }

    private struct Served {
        let replica: TestReplica
        let remote: RemoteReplica

        /// A FileServer puts a replica to use by making it a member and asking who it is: both are done here,
        /// but for a behaviour that wants one that belongs to nobody.
        init(_ storage: any ChunkStorage, for behaviour: StorageBehaviour?) async throws {
            if let behaviour, !behaviour.needs.contains(.free) {
                _ = try await storage.adopt(TestReplica.membership)
            }
            replica = try await TestReplica.start(storage)
            remote = try replica.remote()
            _ = try await remote.standing()
        }
    }
}
