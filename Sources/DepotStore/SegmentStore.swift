import DepotCore
import Logging
import NIOPosix
import Synchronization

// A replica's disk is a log: objects are appended to the newest of a row of tar archives, and one
// sync makes a whole commit durable, where a file a chunk would cost a creation and a sync each. An
// index that can be thrown away remembers where each object lies.
//
// There are three kinds of threads, and none is the caller's. One appends, seals and changes the
// index, so that the log has one writer. One syncs, so that appends go on meanwhile; barriers queue
// there, and find what the barrier before them synced. The others read.

/// Chunks and records on a disk.
public final class SegmentStore: ChunkStorage {
    let folder: ReplicaFolder
    let configuration: SegmentStoreConfiguration
    let index: SegmentIndex
    let logger: Logger
    let segmentSize: UInt64
    let reserve: UInt64
    let state: Mutex<StoreState<SegmentFile>>
    /// For the log's thread only; the lock is never waited for.
    let writer = Mutex<SegmentWriter?>(nil)
    /// One sync at a time: the kernel tells only one of two concurrent syncs of an error.
    let syncing = Mutex<Void>(())
    let files: SegmentFiles
    private let log = NIOThreadPool(numberOfThreads: 1)
    private let syncer = NIOThreadPool(numberOfThreads: 1)
    private let readers = NIOThreadPool(numberOfThreads: 4)
    private let logThread = ThreadOwnership()
    private let syncThread = ThreadOwnership()

    /// Opens a replica's folder; makes it where it is missing or empty. Recovers what was not
    /// sealed.
    ///
    /// - Throws: `conflict` where another process has the folder, `formatUnsupported` for one of a
    ///   newer depot, `storageFull`, `storeFailed`.
    public static func open(
        at path: String, configuration: SegmentStoreConfiguration = SegmentStoreConfiguration(),
        logger: Logger
    ) async throws(DepotError) -> SegmentStore {
        let opener = NIOThreadPool(numberOfThreads: 1)
        opener.start()
        defer { opener.shutdownGracefully { _ in } }
        return try await opener.depotRun { () throws(DepotError) in
            try SegmentStore(StoreOpening(at: path, configuration, logger: logger))
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

    /// Seals the open segment and unlocks the folder. Nothing may be asked of the store afterwards.
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

    /// - Precondition: the caller is on the log's thread. Debug builds check it.
    func assertOnLog() { assert(logThread.isMine, "this is for the log's thread alone") }

    /// - Precondition: the caller is on the syncer's thread. Debug builds check it.
    func assertOnSyncer() { assert(syncThread.isMine, "this is for the syncer's thread alone") }

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
        state.withLock { $0.failed(error) }
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

    /// On the log's thread, so that no two changes overwrite each other.
    func changeIdentity(
        _ change: @Sendable (inout ReplicaIdentity) -> Void
    ) throws(DepotError) {
        assertOnLog()
        try checkWritable()
        var identity = state.withLock { $0.identityNext }
        change(&identity)
        let written = identity
        try failing { () throws(DepotError) in try folder.writeIdentity(written) }
        state.withLock { $0.identityWritten(written) }
    }

    // MARK: Who this is

    public func standing() async throws(DepotError) -> ReplicaStanding {
        let space = try folder.space()
        return state.withLock { state in
            let used = state.usedBytes
            return ReplicaStanding(
                replica: state.identity.replica, name: configuration.name, zone: configuration.zone,
                membership: state.identity.membership, position: state.position,
                highestSequence: state.highestSequence, usedBytes: used,
                freeBytes: free(used: used, space.free),
                capacity: configuration.capacity?.bytes ?? space.total, chunks: state.chunks,
                writable: state.failure == nil)
        }
    }

    /// Bytes that can still be written, beside those that are set aside already.
    func free(used: UInt64, _ onDisk: UInt64) -> UInt64 {
        let left = onDisk > reserve ? onDisk - reserve : 0
        guard let capacity = configuration.capacity?.bytes else { return left }
        return min(left, capacity > used ? capacity - used : 0)
    }

    public func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        try await onLog { () throws(DepotError) in
            let identity = self.state.withLock { $0.identity }
            let membership = try offer.accepted(over: identity.membership, by: identity.replica)
            let isNews = offer.sequence.map { $0 > identity.sequenceHighest ?? .first } ?? false
            guard identity.membership != membership || isNews else { return }
            try self.changeIdentity { identity in
                identity.membership = membership
                identity.sequenceHighest = max(
                    identity.sequenceHighest ?? .first, offer.sequence ?? .first)
            }
            // On the log's thread, as deletions are: no deletion of the former writer comes after
            // this.
            if identity.membership?.writer != membership.writer {
                self.state.withLock { $0.sparedAll() }
            }
        }
        return try await standing()
    }

    /// Before a segment goes that may hold the record of the highest sequence: the identity has to
    /// name that sequence.
    func keepSequence(of segment: UInt32) throws(DepotError) {
        assertOnLog()
        let (highest, kept) = state.withLock { state in
            (state.segments.segment(segment)?.highestSequence, state.identity.sequenceHighest)
        }
        guard let highest, highest > kept ?? .first else { return }
        try changeIdentity { _ in }
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
