import DepotCore
import NIOCore
import Synchronization

/// A replica in memory, with a disk that forgets what was not synced, and every kind of bad day.
final class FakeReplica: ReplicaLink {
    enum Mood: Sendable, Equatable {
        case well
        case unreachable
        /// Answers nothing, ever, and does not notice that nobody waits any more.
        case hanging
        /// Small questions are answered, uploads make no progress.
        case stallingUploads
        /// Small questions are answered, reads never end.
        case hangingReads
        case full
        /// The reserve, too: not even a record finds room.
        case fullToTheEnd
        case readOnly
    }

    struct Entry: Sendable {
        var bytes: ByteBuffer
        var segment: UInt32 = 1
        var isSynced = false
    }

    struct State: Sendable {
        var id = ReplicaID.random()
        var membership: ClusterMembership?
        var objects: [ObjectID: Entry] = [:]
        var opens: UInt64 = 1
        /// The one that is appended to.
        var segment: UInt32 = 1
        /// Segments that were read, and that were rewritten, in order.
        var scrubbed: [UInt32] = []
        var compacted: [UInt32] = []
        /// Of the first sealed segment; of each that follows half as much is alive.
        var deadShare = 0.0
        var appended: UInt64 = 0
        var synced: UInt64 = 0
        var highestSequence: CommitSequence?
        /// So far it is known after a crash.
        var sequenceKept: CommitSequence?
        /// Deleted, as only memory knows: a crash may bring them back.
        var deleted: [ObjectID: Entry] = [:]
        var tokens: [UInt64: Set<ObjectID>] = [:]
        var nextToken: UInt64 = 1
        var mood = Mood.well
        /// What it says; it takes no copies where that is nothing, and can be told who belongs.
        var freeBytes: UInt64 = 1 << 40
        /// Refuses once, in the middle of an upload.
        var failsNextUpload = false
        var refusesDeletes = false
        /// How often each object was read.
        var reads: [ObjectID: Int] = [:]
        /// Does not let go of copies.
        var refusesCondemning = false
        /// Takes what it gets for something else.
        var mishears = false
        /// What it takes is sound while it is received, and not once it is on the disk.
        var rots = false
        /// Says that it is being stopped.
        var isLeaving = false
        /// What happens, once, between the making of an inventory's page and its arrival.
        var afterInventory: (@Sendable () async -> Void)?
    }

    let state: Mutex<State>
    /// What the link remembers; no disk's bad day changes it.
    private let heardLast = Mutex<HeardPosition?>(nil)

    init() { state = Mutex(State()) }

    var heard: HeardPosition? { heardLast.withLock { $0 } }

    func hear(_ standing: ReplicaStanding) {
        heardLast.withLock {
            $0 = HeardPosition(replica: standing.replica, position: standing.position)
        }
    }

    var id: ReplicaID { state.withLock { $0.id } }
    var mood: Mood {
        get { state.withLock { $0.mood } }
        set { state.withLock { $0.mood = newValue } }
    }

    // MARK: The bad days

    /// What no barrier covered is gone.
    func losePower() {
        state.withLock { state in
            state.objects = state.objects.filter { $0.value.isSynced }
            state.appended = state.synced
            state.opens += 1
            state.tokens = [:]
        }
    }

    /// It is killed and starts again. Of what no barrier covered some is gone, and of what was deleted since the last
    /// segment was sealed some is there again.
    func crash(using random: inout some RandomNumberGenerator) {
        var coins = random
        state.withLock { state in
            for (id, entry) in state.objects.sorted(by: { $0.key < $1.key })
            where !entry.isSynced && Bool.random(using: &coins) { state.objects[id] = nil }
            for (id, entry) in state.deleted.sorted(by: { $0.key < $1.key })
            where state.objects[id] == nil && Bool.random(using: &coins) {
                state.objects[id] = entry
            }
            for id in state.objects.keys { state.objects[id]?.isSynced = true }
            (state.deleted, state.tokens) = ([:], [:])
            state.highestSequence =
                state.records.map(\.sequence).max()
                .map { max($0, state.sequenceKept ?? $0) } ?? state.sequenceKept
            state.sequenceKept = state.highestSequence
            state.opens += 1
            state.segment += 1
            (state.appended, state.synced) = (0, 0)
        }
        random = coins
    }

    /// The disk is replaced by an older image of itself: everything since is gone.
    func goBack(to earlier: State) {
        state.withLock { state in
            var restored = earlier
            restored.opens += 1
            restored.mood = .well
            state = restored
        }
    }

    /// Everything is gone but who it is.
    func wipe() {
        state.withLock { state in
            state.objects = [:]
            state.tokens = [:]
            (state.segment, state.appended, state.synced) = (1, 0, 0)
            state.highestSequence = nil
        }
    }

    func corrupt(_ chunk: ChunkID) { corrupt(.chunk(chunk)) }

    func corrupt(_ id: ObjectID) {
        state.withLock { state in
            guard let entry = state.objects[id] else { return }
            state.objects[id]?.bytes = FakeReplica.State.damaged(entry.bytes)
        }
    }

    /// What comes next goes into another segment.
    func seal() {
        state.withLock { state in
            state.segment += 1
            state.synced = state.appended
            state.deleted = [:]
        }
    }

    func lose(_ chunk: ChunkID) { state.withLock { $0.objects[.chunk(chunk)] = nil } }

    func holds(_ chunk: ChunkID) -> Bool { state.withLock { $0.objects[.chunk(chunk)] != nil } }

    var chunkCount: Int { state.withLock { $0.objects.keys.count { $0.kind == .chunk } } }
    var records: [FileRecord] { state.withLock { $0.records } }
    var recordCount: Int { state.withLock { $0.objects.keys.count { $0.kind == .record } } }

    func enter() async throws(DepotError) {
        switch mood {
        case .unreachable: throw DepotError(.unreachable, "connection refused")
        case .hanging: await Self.forever()
        case .well, .stallingUploads, .hangingReads, .full, .fullToTheEnd, .readOnly: return
        }
    }

    static func forever() async {
        // Not even cancellation ends it.
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }
}

extension FakeReplica.State {
    var standing: ReplicaStanding {
        var standing = ReplicaStanding(
            replica: id, membership: membership,
            position: LogPosition(opens: opens, segment: segment, offset: synced),
            highestSequence: highestSequence, usedBytes: appended, freeBytes: freeBytes,
            chunks: objects.count, writable: mood != .readOnly)
        standing.isLeaving = isLeaving
        return standing
    }

    var records: [FileRecord] {
        objects.filter { $0.key.kind == .record }
            .flatMap { (try? RecordBatch.records(in: $1.bytes)) ?? [] }
    }

    static func damaged(_ bytes: ByteBuffer) -> ByteBuffer {
        var bytes = bytes
        let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) ?? 0
        bytes.setInteger(~first, at: bytes.readerIndex)
        return bytes
    }

    mutating func append(_ id: ObjectID, _ bytes: ByteBuffer) {
        pardon([id])
        let isWhole = objects[id].map { ChunkID(hashing: $0.bytes) == id.hash } ?? false
        if isWhole { return }
        objects[id] = FakeReplica.Entry(
            bytes: rots ? Self.damaged(bytes) : bytes, segment: segment)
        appended += UInt64(bytes.readableBytes)
        if id.kind == .record, let last = try? RecordBatch.records(in: bytes).last {
            highestSequence = max(highestSequence ?? last.sequence, last.sequence)
        }
    }

    /// Put, found or vouched for: a deletion under way is void.
    mutating func pardon(_ ids: [ObjectID]) {
        for token in tokens.keys { tokens[token]?.subtract(ids) }
    }
}
