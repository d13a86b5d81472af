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
        var tokens: [UInt64: Set<ObjectID>] = [:]
        var nextToken: UInt64 = 1
        var mood = Mood.well
        /// Refuses once, in the middle of an upload.
        var failsNextUpload = false
        var refusesDeletes = false
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

    private func hear(_ standing: ReplicaStanding) {
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
        }
    }

    func lose(_ chunk: ChunkID) { state.withLock { $0.objects[.chunk(chunk)] = nil } }

    func holds(_ chunk: ChunkID) -> Bool { state.withLock { $0.objects[.chunk(chunk)] != nil } }

    var chunkCount: Int { state.withLock { $0.objects.keys.count { $0.kind == .chunk } } }
    var recordCount: Int { state.withLock { $0.objects.keys.count { $0.kind == .record } } }

    func enter() async throws(DepotError) {
        switch mood {
        case .unreachable: throw DepotError(.unreachable, "connection refused")
        case .hanging: await Self.forever()
        case .well, .stallingUploads, .hangingReads, .full, .readOnly: return
        }
    }

    static func forever() async {
        // Not even cancellation ends it.
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }

    // MARK: ChunkStorage

    func standing() async throws(DepotError) -> ReplicaStanding {
        try await enter()
        let standing = state.withLock { $0.standing }
        hear(standing)
        return standing
    }

    func adopt(_ membership: ClusterMembership) async throws(DepotError) -> ReplicaStanding {
        try await enter()
        let outcome = state.withLock { state -> Result<ReplicaStanding, DepotError> in
            if let known = state.membership, known.cluster != membership.cluster {
                return .failure(DepotError(.clusterMismatch, "belongs elsewhere"))
            }
            if let known = state.membership, known.epoch > membership.epoch {
                return .failure(DepotError(.epochStale, "saw a higher epoch"))
            }
            state.membership = membership
            return .success(state.standing)
        }
        return try outcome.get()
    }

    func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        try await enter()
        if mood == .full { throw DepotError(.storageFull, "the disk is full") }
        state.withLock { state in
            for object in objects { state.append(object.id, object.contiguous) }
        }
    }

    func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        try await enter()
        return state.withLock { state in
            for id in state.objects.keys { state.objects[id]?.isSynced = true }
            state.synced = state.appended
            state.pardon(ids)
            hear(state.standing)
            return ids.map { state.objects[$0] == nil ? .absent : .durable }
        }
    }

    func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        try await enter()
        if mood == .hangingReads { await Self.forever() }
        return state.withLock { state in
            ids.map { id in
                state.objects[id].map {
                    StoredObject(id: id, length: $0.bytes.readableBytes, bytes: .memory([$0.bytes]))
                }
            }
        }
    }

    func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        try await enter()
        return state.withLock { state in
            ids.map { id in
                guard let entry = state.objects[id] else { return .absent }
                return ChunkID(hashing: entry.bytes) == id.hash ? .good : .bad
            }
        }
    }

    func inventory(after: ObjectID?, limit: Int) async throws(DepotError) -> [InventoryEntry] {
        try await enter()
        let (page, hook) = state.withLock { state in
            let page = state.objects.keys.sorted().filter { id in after.map { id > $0 } ?? true }
                .prefix(limit).map {
                    InventoryEntry(
                        id: $0, length: state.objects[$0]?.bytes.readableBytes ?? 0,
                        segment: state.objects[$0]?.segment ?? 1)
                }
            return (page, state.afterInventory.take())
        }
        await hook?()
        return page
    }

    func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try await enter()
        if state.withLock({ $0.refusesCondemning }) {
            throw DepotError(.unreachable, "connection reset")
        }
        return state.withLock { state in
            defer { state.nextToken += 1 }
            state.tokens[state.nextToken] = Set(ids)
            return CondemnToken(value: state.nextToken)
        }
    }

    func delete(_ ids: [ObjectID], token: CondemnToken) async throws(DepotError) -> [ObjectID] {
        try await enter()
        if state.withLock({ $0.refusesDeletes }) {
            throw DepotError(.busy, "not now")
        }
        return state.withLock { state in
            let condemned = state.tokens[token.value] ?? []
            let gone = ids.filter(condemned.contains)
            for id in gone { state.objects[id] = nil }
            return gone
        }
    }

    // MARK: ReplicaLink

    func openUpload(for deposit: DepositID?) async throws(DepotError) -> any ChunkUpload {
        try await enter()
        return FakeUpload(to: self)
    }
}

extension FakeReplica.State {
    var standing: ReplicaStanding {
        var standing = ReplicaStanding(
            replica: id, membership: membership,
            position: LogPosition(opens: opens, segment: segment, offset: synced),
            highestSequence: highestSequence, usedBytes: appended, freeBytes: 1 << 40,
            chunks: objects.count, writable: mood != .readOnly)
        standing.isLeaving = isLeaving
        return standing
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
        if id.kind == .record, let record = try? FileRecord(parsing: bytes) {
            highestSequence = max(highestSequence ?? record.sequence, record.sequence)
        }
    }

    /// Put, found or vouched for: a deletion under way is void.
    mutating func pardon(_ ids: [ObjectID]) {
        for token in tokens.keys { tokens[token]?.subtract(ids) }
    }
}

private final class FakeUpload: ChunkUpload {
    private let replica: FakeReplica
    private let current = Mutex<(id: ObjectID, length: Int, bytes: ByteBuffer)?>(nil)

    init(to replica: FakeReplica) { self.replica = replica }

    func enter() async throws(DepotError) {
        switch replica.mood {
        case .unreachable: throw DepotError(.unreachable, "connection reset")
        case .hanging, .stallingUploads: await FakeReplica.forever()
        case .full: throw DepotError(.storageFull, "the disk is full")
        case .readOnly: throw DepotError(.storeFailed, "takes no writes")
        case .well, .hangingReads: break
        }
        let fails = replica.state.withLock { state in
            defer { state.failsNextUpload = false }
            return state.failsNextUpload
        }
        if fails { throw DepotError(.unreachable, "connection reset in the middle") }
    }

    func begin(_ id: ObjectID, length: Int) async throws(DepotError) {
        try await enter()
        try endObject()
        current.withLock { $0 = (id, length, ByteBuffer()) }
    }

    func write(_ part: ByteBuffer) async throws(DepotError) {
        try await enter()
        current.withLock { _ = $0?.bytes.writeImmutableBuffer(part) }
    }

    func finish() async throws(DepotError) {
        try await enter()
        try endObject()
    }

    private func endObject() throws(DepotError) {
        let whole = current.withLock { current in
            defer { current = nil }
            return current
        }
        guard let whole else { return }
        let mishears = replica.state.withLock { $0.mishears }
        guard !mishears, ChunkID(hashing: whole.bytes) == whole.id.hash else {
            throw DepotError(
                .hashMismatch, "these are other bytes", object: whole.id.hash.hex)
        }
        replica.state.withLock { $0.append(whole.id, whole.bytes) }
    }

    func cancel() async { current.withLock { $0 = nil } }
}
