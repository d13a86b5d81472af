import DepotCore
import DepotWire
import NIOCore
import Synchronization

// A chunk is asked of one holder after the other until one gives it. Which one is first: of those
// with a good copy that answer, the one that is reading the least for us now, so that a slow disk
// gets less to do; then those whose copy is not proved; then those that seemed down a moment ago,
// which is better than giving up. One that takes much longer than usual is not waited for alone:
// the next holder is asked as well.

/// Gets chunks from whoever holds them.
package struct ChunkFetcher: Sendable {
    package let context: ServerContext
    package let pool: ReplicaPool
    package let catalog: any CopyCatalog
    package let inspector: CopyInspector
    let hedges = Hedges()

    /// A chunk, and the replicas not to ask for it.
    package struct Wish: Sendable {
        package let chunk: ChunkReference
        package var avoid: Set<ReplicaID> = []

        package init(chunk: ChunkReference, avoid: Set<ReplicaID> = []) {
            self.chunk = chunk
            self.avoid = avoid
        }
    }

    /// Bytes as a replica gave them. Nobody has hashed them.
    package struct Found: Sendable {
        package let replica: ReplicaID
        package let bytes: [ByteBuffer]
        package let length: Int
        /// Who was believed to have it, was asked before, and has it not.
        package var missing: [ReplicaID] = []
    }

    /// Gets chunks, unverified, in order.
    ///
    /// - Parameter wishes: of no more bytes than the caller has reserved.
    package func fetch(_ wishes: [Wish]) async throws(DepotError) -> [Obtained<Found>] {
        try await fetch(wishes) { chunk, stored in
            stored.length == chunk.length ? .some(stored) : nil
        }
    }

    /// Gets chunks and hashes them, in order.
    package func verified(
        _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [Obtained<VerifiedObject>] {
        let objects = Mutex<[ChunkID: VerifiedObject]>([:])
        let found = try await fetch(chunks.map { Wish(chunk: $0) }) { chunk, stored in
            guard stored.length == chunk.length, let object = Self.verify(chunk.id, stored) else {
                return nil
            }
            objects.withLock { $0[chunk.id] = object }
            return stored
        }
        return objects.withLock { objects in
            zip(chunks, found).map { chunk, found in
                switch found {
                case .absent(let silent): .absent(silent: silent)
                case .found: objects[chunk.id].map { .found($0) } ?? .absent(silent: [])
                }
            }
        }
    }

    package static func verify(_ id: ChunkID, _ found: Found) -> VerifiedObject? {
        do {
            var verifier = try ObjectVerifier(expecting: .chunk(id), length: found.length)
            for part in found.bytes { verifier.append(part) }
            return try verifier.finish()
        } catch {
            return nil
        }
    }

    private typealias Judge = @Sendable (ChunkReference, Found) -> Found?

    private func fetch(
        _ wishes: [Wish], _ judge: @escaping Judge
    ) async throws(DepotError) -> [Obtained<Found>] {
        let known = try await catalog.copies(of: wishes.map(\.chunk.id))
        let choice = SourceChoice(pool)
        let queues = zip(wishes, known).map { wish, copies -> [ReplicaID] in
            // The caller has reserved memory for the length that it knows.
            guard let copies, copies.reference.length == wish.chunk.length else { return [] }
            return choice.order(copies).filter { !wish.avoid.contains($0) }
        }
        var hedged = HedgedFetch(queues: queues, hedges: hedges, clock: context.clock)
        let missing = Mutex<[ChunkID: [ReplicaID]]>([:])
        let silent = Mutex<[ChunkID: [ReplicaID]]>([:])
        let found = await hedged.run { question in
            let chunks = question.items.map { wishes[$0].chunk }
            do throws(DepotError) {
                return try await read(chunks, from: question.replica, judge) { chunk in
                    missing.withLock { $0[chunk, default: []].append(question.replica) }
                }
            } catch {
                silent.withLock { silent in
                    for chunk in chunks { silent[chunk.id, default: []].append(question.replica) }
                }
                return chunks.map { _ in nil }
            }
        } bytes: { item in
            wishes[item].chunk.length
        } isSlow: { replica in
            if let node = pool.node(of: replica) { pool.noteStall(of: node) }
        }
        let (passedOver, unanswered) = (missing.withLock { $0 }, silent.withLock { $0 })
        return zip(wishes, found).map { wish, found in
            guard var found else { return .absent(silent: unanswered[wish.chunk.id] ?? []) }
            found.missing = passedOver[wish.chunk.id] ?? []
            return .found(found)
        }
    }

    /// - Returns: in order; `nil` for what the replica has not, or not soundly.
    private func read(
        _ chunks: [ChunkReference], from replica: ReplicaID, _ judge: @escaping Judge,
        onMissing: @Sendable (ChunkID) -> Void
    ) async throws(DepotError) -> [Found?] {
        let bytes = chunks.reduce(0) { $0 + $1.length }
        let node = pool.node(of: replica)
        node?.load.add(bytes, ordering: .relaxed)
        defer { node?.load.subtract(bytes, ordering: .relaxed) }
        let stored = try await pool.ask(replica, within: .stall) {
            link async throws(DepotError) in
            try await link.read(chunks.map { .chunk($0.id) }, upTo: bytes)
        }
        return zip(chunks, stored).map { chunk, stored in
            guard let found = Self.memory(stored, replica) else {
                inspector.suspect(chunk.id, on: replica)
                onMissing(chunk.id)
                return nil
            }
            if let judged = judge(chunk, found) { return judged }
            inspector.suspect(chunk.id, on: replica)
            return nil
        }
    }

    /// A link reads over the network: what it gives is in memory.
    private static func memory(_ stored: StoredObject?, _ replica: ReplicaID) -> Found? {
        guard let stored, case .memory(let bytes) = stored.bytes else { return nil }
        return Found(replica: replica, bytes: bytes, length: stored.length)
    }
}
