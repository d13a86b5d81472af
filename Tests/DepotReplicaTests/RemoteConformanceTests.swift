import DepotCore
import DepotReplica
import DepotReplicaLink
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
            let store = try await openStore(at: folder + "/0")
            let served = try await Served(store, for: behaviour)
            let lives = Mutex([(served, store)])
            let newest = { @Sendable in lives.withLock { ($0[$0.count - 1], $0.count) } }
            let subject = StorageSubject(
                served.remote, damage: { try await flipBit(of: $0, in: newest().0.1) },
                restart: {
                    let (last, number) = newest()
                    await last.0.replica.stop()
                    try copyFolder("\(folder)/\(number - 1)", to: "\(folder)/\(number)")
                    let store = try await openStore(at: "\(folder)/\(number)")
                    let served = try await Served(store, for: nil)
                    lives.withLock { $0.append((served, store)) }
                    return served.remote
                })
            let outcome = await Task { try await behaviour.check(subject) }.result
            await newest().0.0.replica.stop()
            for (_, store) in lives.withLock({ $0 }) { await store.close() }
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
