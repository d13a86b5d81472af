import DepotCore
import DepotUpkeep
import Synchronization

// What a deposit's requests tell each other, beyond what the catalog keeps. All of it may be lost
// at any moment: then chunks that were sent but not vouched for are sent again.

/// The deposits that this FileServer remembers.
final class DepositSessions: UnsettledDeposits {
    /// Chunks remembered for all deposits together, about 100 bytes each: several clients' batches
    /// between two barriers.
    static let chunksMax = 262_144
    /// Of one deposit: a client passes a barrier after 8,192 chunks, and has two groups of them on
    /// their way. Without a share, whoever only names chunks would keep all others from sending.
    static let chunksOfOneMax = chunksMax / 4

    /// What a deposit asks for.
    struct Terms: Sendable {
        let level: ReplicationLevel
        /// `nil` where the client said it to a FileServer that has been restarted since.
        var requireAll: Bool?
    }

    /// Where copies of a lacking chunk are.
    struct Holders: Sendable {
        /// As replicas have hashed it; `nil`: the bytes that come decide.
        let length: Int?
        let good: [ReplicaID]
        /// Where one is known to be bad, or is about to be deleted.
        let shunned: [ReplicaID]
    }

    private struct Session: Sendable {
        var terms: Terms
        /// Of lacking chunks, as the negotiation found them.
        var holders: [ChunkID: Holders] = [:]
        /// Where chunks were appended, and where that may have happened before something failed. At
        /// least one replica has hashed the bytes of each, so the length is the right one.
        var sent: [ChunkReference: Sent] = [:]
        /// Where chunks may have been appended of which nobody was told that they were.
        var attempted: [ReplicaID: Set<ChunkID>] = [:]
        var lastUse = 0

        /// What it may have left on disks that is in no catalog.
        var strays: [ReplicaID: Set<ChunkID>] {
            var strays = attempted
            for (chunk, places) in sent {
                for replica in places.attempted { strays[replica, default: []].insert(chunk.id) }
            }
            return strays
        }

        var count: Int { holders.count + sent.count + attempted.values.reduce(0) { $0 + $1.count } }
    }

    struct Sent: Sendable {
        var appended: Set<ReplicaID> = []
        var attempted: Set<ReplicaID> = []
    }

    private struct State {
        var sessions: [DepositID: Session] = [:]
        var uses = 0
        var chunks = 0

        /// How many more chunks of a deposit are remembered.
        func room(of deposit: DepositID) -> Int {
            let own = sessions[deposit]?.count ?? 0
            return max(0, min(chunksMax - chunks, chunksOfOneMax - own))
        }

        /// Of deposits that are over; beyond `chunksMax` it is left for an inventory to find.
        var strays: [ReplicaID: Set<ChunkID>] = [:]
    }

    private let countMax: Int
    private let state = Mutex(State())

    init(countMax: Int) { self.countMax = countMax }

    func open(_ deposit: DepositID, level: ReplicationLevel, requireAll: Bool?) {
        state.withLock { state in
            // A scan of a thousand, and only where there are too many; an ordered dictionary would
            // move as many at each use.
            if state.sessions[deposit] == nil, state.sessions.count >= countMax,
                let oldest = state.sessions.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                Self.forget(oldest, &state)
            }
            state.uses += 1
            if state.sessions[deposit] == nil {
                state.sessions[deposit] = Session(
                    terms: Terms(level: level, requireAll: requireAll))
            } else if let requireAll {
                state.sessions[deposit]?.terms.requireAll = requireAll
            }
            state.sessions[deposit]?.lastUse = state.uses
        }
    }

    func terms(of deposit: DepositID) -> Terms? {
        state.withLock { state in
            state.uses += 1
            state.sessions[deposit]?.lastUse = state.uses
            return state.sessions[deposit]?.terms
        }
    }

    func close(_ deposit: DepositID) { state.withLock { Self.forget(deposit, &$0) } }

    private static func forget(_ deposit: DepositID, _ state: inout State) {
        guard let session = state.sessions.removeValue(forKey: deposit) else { return }
        state.chunks -= session.count
        keep(session.strays, &state)
    }

    private static func keep(_ strays: [ReplicaID: Set<ChunkID>], _ state: inout State) {
        for (replica, chunks) in strays
        where (state.strays[replica]?.count ?? 0) + chunks.count <= Self.chunksMax {
            state.strays[replica, default: []].formUnion(chunks)
        }
    }

    // MARK: What was sent for nothing

    /// Deposits that sent something that no barrier was passed for.
    var unsettled: [DepositID] {
        state.withLock { state in
            state.sessions.filter { !$0.value.sent.isEmpty || !$0.value.attempted.isEmpty }.map(
                \.key)
        }
    }

    /// An upload was given up: these may have come to replicas.
    func note(attempted: [ReplicaID: Set<ChunkID>], of deposit: DepositID) {
        state.withLock { state in
            guard state.sessions[deposit] != nil else { return Self.keep(attempted, &state) }
            for (replica, chunks) in attempted where state.chunks < Self.chunksMax {
                let before = state.sessions[deposit]?.attempted[replica] ?? []
                let now = before.union(chunks)
                state.chunks += now.count - before.count
                state.sessions[deposit]?.attempted[replica] = now
            }
        }
    }

    /// What deposits that are over may have left on a replica. What another deposit has sent as
    /// well, and no barrier was passed for yet, waits: it would have to be sent again.
    func strays(on replica: ReplicaID) -> Set<ChunkID> {
        state.withLock { state in
            guard var strays = state.strays[replica] else { return [] }
            for session in state.sessions.values {
                for chunk in session.sent.keys { strays.remove(chunk.id) }
            }
            return strays
        }
    }

    /// They were looked at.
    func forget(strays: some Collection<ChunkID>, on replica: ReplicaID) {
        state.withLock { state in
            state.strays[replica]?.subtract(strays)
            if state.strays[replica]?.isEmpty == true { state.strays[replica] = nil }
        }
    }

    /// Keeps what the negotiation found of lacking chunks; where there is no room, it is asked
    /// again.
    func note(holders: [ChunkID: Holders], of deposit: DepositID) {
        state.withLock { state in
            guard state.sessions[deposit] != nil else { return }
            var room = state.room(of: deposit)
            for (chunk, found) in holders where room > 0 {
                let known = state.sessions[deposit]?.holders.updateValue(found, forKey: chunk)
                guard known == nil else { continue }
                state.chunks += 1
                room -= 1
            }
        }
    }

    func holders(of chunk: ChunkID, in deposit: DepositID) -> Holders? {
        state.withLock { $0.sessions[deposit]?.holders[chunk] }
    }

    func sent(_ chunks: [ChunkReference], in deposit: DepositID) -> [ChunkReference: Sent] {
        state.withLock { state in
            guard let sent = state.sessions[deposit]?.sent, !sent.isEmpty else { return [:] }
            var found: [ChunkReference: Sent] = [:]
            for chunk in chunks { found[chunk] = sent[chunk] }
            return found
        }
    }

    /// - Throws: `busy` where too many chunks wait for their barrier.
    func note(sent: [ChunkReference: Sent], of deposit: DepositID) throws(DepotError) {
        let hasRoom = state.withLock { state in
            guard state.sessions[deposit] != nil else { return true }
            var room = state.room(of: deposit)
            for (chunk, places) in sent {
                if state.sessions[deposit]?.sent[chunk] == nil {
                    guard room > 0 else { return false }
                    state.chunks += 1
                    room -= 1
                }
                state.sessions[deposit]?.sent[chunk, default: Sent()].add(places)
            }
            return true
        }
        guard hasRoom else {
            throw DepotError(
                .busy, "too many chunks wait for a barrier; pass it, then send on",
                object: deposit.description)
        }
    }

    /// The barrier was passed for them: the catalog knows their copies now.
    func settled(_ chunks: [ChunkReference], of deposit: DepositID) {
        state.withLock { state in
            for chunk in chunks {
                if state.sessions[deposit]?.sent.removeValue(forKey: chunk) != nil {
                    state.chunks -= 1
                }
                if state.sessions[deposit]?.holders.removeValue(forKey: chunk.id) != nil {
                    state.chunks -= 1
                }
            }
        }
    }
}

extension DepositSessions.Sent {
    mutating func add(_ other: Self) {
        // Most chunks of a request went to the same replicas: their sets stay one in memory.
        if attempted.isEmpty {
            self = other
            return
        }
        appended.formUnion(other.appended)
        attempted.formUnion(other.attempted)
    }
}
