import DepotCluster
import DepotCore
import NIOCore

// Bytes go to their holders as they arrive, as slices of the buffers that they came in, and no
// replica waits for another one. The request keeps them until its end: it is bounded by one batch
// and by the memory budget, and so what a replica that failed has missed goes to another one
// without asking the client again. What is still missing then is made good at the barrier.

/// Sends the objects of one request to the replicas that are to hold them.
struct UploadFanout {
    /// So often are replacements looked for: more failures in one request are an outage.
    static let roundsMax = 3

    private struct Object {
        let chunk: ChunkReference
        let holders: DepositSessions.Holders
        var parts: [ByteBuffer] = []
        /// Being sent to, in order of replica.
        var pending: [ReplicaID] = []
        var places = DepositSessions.Sent()
    }

    /// Who may be sent to, as things stood when that was last asked.
    private struct Choice {
        let placement: Placement
        let writable: Set<ReplicaID>
        let avoided: Set<ReplicaID>

        init(_ pool: ReplicaPool) {
            placement = pool.placement
            writable = pool.accepting
            avoided = pool.avoided
        }
    }

    let deposit: DepositID
    let level: ReplicationLevel
    let context: ServerContext
    let pool: ReplicaPool
    private var choice: Choice
    private var objects: [Object] = []
    private var lanes: [ReplicaID: UploadLane] = [:]
    private var failures: [ReplicaID: DepotError] = [:]

    init(
        deposit: DepositID, level: ReplicationLevel, context: ServerContext, pool: ReplicaPool
    ) {
        self.deposit = deposit
        self.level = level
        self.context = context
        self.pool = pool
        choice = Choice(pool)
    }

    /// Begins an object.
    ///
    /// - Throws: `notEnoughReplicas` where nobody can take it; a lane's error where all that could
    ///   have failed.
    mutating func begin(
        _ chunk: ChunkReference, holders: DepositSessions.Holders
    ) throws(DepotError) {
        notice()
        var object = Object(chunk: chunk, holders: holders)
        object.pending = targets(for: object).sorted()
        guard !object.pending.isEmpty else { throw exhausted(chunk) }
        objects.append(object)
        for target in object.pending { lane(to: target)?.begin(chunk) }
    }

    /// - Precondition: an object was begun.
    mutating func write(_ part: ByteBuffer) {
        let last = objects.count - 1
        objects[last].parts.append(part)
        for target in objects[last].pending { lanes[target]?.write(part) }
    }

    /// The object that was begun last is whole.
    ///
    /// - Precondition: an object was begun.
    func end() {
        for target in objects[objects.count - 1].pending { lanes[target]?.end() }
    }

    /// Lets go to the replicas what became whole since the last time.
    func flush() {
        for lane in lanes.values { lane.flush() }
    }

    /// Ends the batch.
    ///
    /// - Returns: where each chunk was appended: on one replica at least.
    /// - Throws: `hashMismatch` where replicas found other bytes than a chunk's id says; else why a
    ///   chunk could not be placed anywhere.
    mutating func finish() async throws(DepotError) -> [ChunkReference: DepositSessions.Sent] {
        for round in 1...Self.roundsMax {
            try await finishLanes()
            choice = Choice(pool)
            if round == Self.roundsMax || !sendAgain() { break }
        }
        cancel()
        var sent: [ChunkReference: DepositSessions.Sent] = [:]
        for object in objects {
            guard !object.places.appended.isEmpty else { throw exhausted(object.chunk) }
            sent[object.chunk, default: DepositSessions.Sent()].add(object.places)
        }
        return sent
    }

    /// Where objects may have been appended, whatever became of the batch.
    var attempted: [ReplicaID: Set<ChunkID>] {
        var attempted: [ReplicaID: Set<ChunkID>] = [:]
        for object in objects {
            for replica in object.places.attempted.union(object.pending) {
                attempted[replica, default: []].insert(object.chunk.id)
            }
        }
        return attempted
    }

    /// Gives up what is under way.
    func cancel() {
        for lane in lanes.values { lane.cancel() }
    }

    // MARK: Choosing

    /// Where an object still has to go, so that it is on as many replicas as the level asks for: on
    /// one at least, who verifies it.
    private func targets(for object: Object) -> [ReplicaID] {
        let good = object.holders.good.filter(choice.writable.contains)
        let kept = object.places.appended.union(good)
        let missing = min(level.copies, choice.writable.count) - kept.count
        let count = object.places.appended.isEmpty ? max(1, missing) : missing
        guard count > 0 else { return [] }
        let shunned = choice.avoided.union(object.holders.shunned)
        let chosen = choice.placement.choose(
            count, for: object.chunk.id, keeping: kept.union(failures.keys), avoiding: shunned)
        guard chosen.isEmpty, object.places.appended.isEmpty else { return chosen }
        return Array(kept.subtracting(failures.keys).prefix(1))
    }

    /// Looks whether lanes have failed since the last object began.
    private mutating func notice() {
        let failed = lanes.values.filter { $0.failure != nil && failures[$0.replica] == nil }
        guard !failed.isEmpty else { return }
        for lane in failed { failures[lane.replica] = lane.failure }
        choice = Choice(pool)
    }

    private mutating func lane(to replica: ReplicaID) -> UploadLane? {
        if let lane = lanes[replica] { return lane }
        guard let node = pool.node(of: replica) else { return nil }
        let lane = UploadLane(
            to: replica, node: node, deposit: deposit, context: context, pool: pool)
        lanes[replica] = lane
        return lane
    }

    // MARK: Ending

    private mutating func finishLanes() async throws(DepotError) {
        let running = lanes
        let outcomes = await gather(running.keys) { replica async throws(DepotError) in
            try await running[replica]?.finish()
        }
        lanes = [:]
        var appended: Set<ReplicaID> = []
        for (replica, outcome) in outcomes {
            switch outcome {
            case .success: appended.insert(replica)
            case .failure(let error): failures[replica] = error
            }
        }
        var places: [[ReplicaID]: DepositSessions.Sent] = [:]
        for index in objects.indices where !objects[index].pending.isEmpty {
            let pending = objects[index].pending
            let sent =
                places[pending]
                ?? DepositSessions.Sent(
                    appended: appended.intersection(pending), attempted: Set(pending))
            places[pending] = sent
            objects[index].places.add(sent)
            objects[index].pending = []
        }
        // Several replicas that agree are right about the bytes; one alone may be wrong itself.
        let mismatch = outcomes.values.lazy.compactMap { outcome -> DepotError? in
            if case .failure(let error) = outcome, error.code == .hashMismatch {
                error
            } else {
                nil
            }
        }.first
        if appended.isEmpty, let mismatch { throw mismatch }
    }

    /// - Returns: whether anything was sent to anybody.
    private mutating func sendAgain() -> Bool {
        for index in objects.indices {
            let object = objects[index]
            let replacements = targets(for: object)
            objects[index].pending = replacements.sorted()
            for replacement in replacements {
                guard let lane = lane(to: replacement) else { continue }
                lane.begin(object.chunk)
                for part in object.parts { lane.write(part) }
            }
        }
        return !lanes.isEmpty
    }

    private func exhausted(_ chunk: ChunkReference) -> DepotError {
        let causes = failures.values
        // Replicas that are known to be full are not asked, so there may be no failure.
        let saysFull = !causes.isEmpty || pool.isFull
        if saysFull, causes.allSatisfy({ $0.code == .storageFull }) {
            return DepotError(
                .storageFull,
                "no replica has room for this chunk of \(chunk.length) bytes; what deleted and "
                    + "replaced files were is kept for a while: 'depot status' tells how much that is "
                    + "and when it goes, 'depot collect --versions 0s' forgets it now",
                object: chunk.id.hex, cause: causes.first)
        }
        return DepotError(
            .notEnoughReplicas, "no replica could take this chunk; \(pool.absentees)",
            object: chunk.id.hex, cause: causes.first)
    }
}
