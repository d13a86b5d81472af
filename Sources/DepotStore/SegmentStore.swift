import DepotCore
import Logging
import NIOPosix
import Synchronization

// A replica's disk is a log: objects are appended to the newest of a row of tar archives, and one sync makes a whole
// commit durable, where a file a chunk would cost a creation and a sync each. Where an object lies is remembered in
// an index that can be thrown away.
//
// Three kinds of threads. One appends, seals and changes the index, so that the log has one writer. One syncs, so
// that appends go on meanwhile; whoever waits at a barrier queues there, and finds what the one before it synced.
// Some read. None of them is the caller's.

/// Chunks and records on a disk.
public final class SegmentStore: ChunkStorage {
    let folder: ReplicaFolder
    let configuration: SegmentStoreConfiguration
    let index: SegmentIndex
    let logger: Logger
    let segmentSize: UInt64
    let reserve: UInt64
    let state: Mutex<StoreState>
    /// For the log's thread only; the lock is never waited for.
    let writer = Mutex<SegmentWriter?>(nil)
    /// Sealed segments that the index has not taken in, because it could not; likewise.
    let unmerged = Mutex<[SegmentRecovery.Sealed]>([])
    /// One sync at a time: of two at once, the kernel tells one alone of an error.
    let syncing = Mutex<Void>(())
    let files: SegmentFiles
    private let log = NIOThreadPool(numberOfThreads: 1)
    private let syncer = NIOThreadPool(numberOfThreads: 1)
    private let readers = NIOThreadPool(numberOfThreads: 4)

    /// Opens a replica's folder; makes it where it is missing or empty. Recovers what was not sealed.
    ///
    /// - Throws: `conflict` where another process has the folder, `formatUnsupported` for one of a newer depot,
    ///   `storageFull`, `storeFailed`.
    public static func open(
        at path: String, configuration: SegmentStoreConfiguration = SegmentStoreConfiguration(),
        logger: Logger
    ) async throws(DepotError) -> SegmentStore {
        let opener = NIOThreadPool(numberOfThreads: 1)
        opener.start()
        defer { opener.shutdownGracefully { _ in } }
        return try await opener.depotRun { () throws(DepotError) in
            try SegmentStore(StoreOpening(path, configuration, logger))
        }
    }

    private init(_ opening: StoreOpening) {
        folder = opening.folder
        configuration = opening.configuration
        index = opening.index
        logger = opening.logger
        segmentSize = opening.segmentSize
        reserve = opening.reserve
        state = Mutex(opening.state)
        files = SegmentFiles(folder: opening.folder.segments)
        for pool in [log, syncer, readers] { pool.start() }
    }

    /// Seals what is open and gives the folder free. Nothing may be asked of the store afterwards.
    public func close() async {
        do throws(DepotError) {
            try await onLog { () throws(DepotError) in
                try self.sealOpenSegment()
                self.index.close()
            }
        } catch {
            logger.warning(
                "the segment was not sealed; that is done at the next start",
                metadata: ["why": "\(error)"])
        }
        for pool in [log, syncer, readers] {
            do {
                try await pool.shutdownGracefully()
            } catch {
                logger.warning("a thread did not end", metadata: ["why": "\(error)"])
            }
        }
        folder.release()
    }

    func onLog<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DepotError) -> Value
    ) async throws(DepotError) -> Value { try await log.depotRun(body) }

    func onSyncer<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DepotError) -> Value
    ) async throws(DepotError) -> Value { try await syncer.depotRun(body) }

    func onReader<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DepotError) -> Value
    ) async throws(DepotError) -> Value { try await readers.depotRun(body) }

    /// - Throws: why nothing is written any more.
    func checkWritable() throws(DepotError) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func fail(_ error: DepotError) {
        state.withLock { $0.failure = $0.failure ?? error }
        logger.critical("no more writes", metadata: ["why": "\(error)"])
    }

    /// Refuses all writes after `body` met an I/O error.
    func failing<Value>(_ body: () throws(DepotError) -> Value) throws(DepotError) -> Value {
        do throws(DepotError) {
            return try body()
        } catch {
            if error.code == .storeFailed { fail(error) }
            throw error
        }
    }

    /// On the log's thread, so that no change is lost to another.
    func changeIdentity(
        _ change: @Sendable (inout ReplicaIdentity) -> Void
    ) throws(DepotError) {
        try checkWritable()
        var identity = state.withLock { $0.identity }
        change(&identity)
        let written = identity
        try failing { () throws(DepotError) in try folder.writeIdentity(written) }
        state.withLock { $0.identity = written }
    }

    // MARK: Who this is

    public func standing() async throws(DepotError) -> ReplicaStanding {
        let space = try folder.space()
        return state.withLock { state in
            let used = state.sealedBytes + state.end
            return ReplicaStanding(
                replica: state.identity.replica, name: configuration.name, zone: configuration.zone,
                membership: state.identity.membership, position: state.position,
                highestSequence: state.highestSequence, usedBytes: used,
                freeBytes: free(used: used, space.free),
                capacity: configuration.capacity?.bytes ?? space.total, chunks: state.chunks,
                writable: state.failure == nil)
        }
    }

    /// What can still be written, beside what is set aside already.
    func free(used: UInt64, _ onDisk: UInt64) -> UInt64 {
        let left = onDisk > reserve ? onDisk - reserve : 0
        guard let capacity = configuration.capacity?.bytes else { return left }
        return min(left, capacity > used ? capacity - used : 0)
    }

    public func adopt(
        _ membership: ClusterMembership
    ) async throws(DepotError) -> ReplicaStanding {
        try await onLog { () throws(DepotError) in
            let identity = self.state.withLock { $0.identity }
            if let known = identity.membership {
                guard known.cluster == membership.cluster else {
                    throw DepotError(
                        .clusterMismatch,
                        "this replica belongs to cluster \(known.cluster), not to \(membership.cluster)",
                        object: identity.replica.description)
                }
                guard known.epoch <= membership.epoch else {
                    throw DepotError(
                        .epochStale,
                        "this replica has seen epoch \(known.epoch), the FileServer is at "
                            + "\(membership.epoch): another one has taken over",
                        object: identity.replica.description)
                }
            }
            guard identity.membership != membership else { return }
            try self.changeIdentity { $0.membership = membership }
        }
        return try await standing()
    }
}

extension NIOThreadPool {
    fileprivate func depotRun<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let result: Result<Value, DepotError>
        do {
            result = try await runIfActive {
                do throws(DepotError) {
                    return .success(try body())
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw DepotError(.unreachable, "the store is closed, or the request was given up")
        }
        return try result.get()
    }
}
