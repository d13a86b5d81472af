import DepotCore
import Synchronization

// What a deposit's requests tell each other, beyond what the catalog keeps. All of it may be lost at any moment:
// then chunks that were sent but not vouched for are sent again.

/// The deposits that this FileServer remembers.
final class DepositSessions: Sendable {
    /// Chunks remembered for all deposits together, about 100 bytes each: several clients' batches between two
    /// barriers.
    static let chunksMax = 262_144

    /// What a deposit asks for.
    struct Terms: Sendable {
        let level: ReplicationLevel
        /// `nil` where the client said it to a FileServer that has been restarted since.
        var requireAll: Bool?
    }

    /// Where copies of a lacking chunk are.
    struct Holders: Sendable {
        /// What the catalog knows; `nil` for a chunk that nobody named yet.
        let length: Int?
        let good: [ReplicaID]
        /// Where one is known to be bad, or is about to be deleted.
        let shunned: [ReplicaID]
    }

    private struct Session: Sendable {
        var terms: Terms
        /// Of lacking chunks, as the negotiation found them.
        var holders: [ChunkID: Holders] = [:]
        /// Where chunks were appended, and where that may have happened before something failed.
        var sent: [ChunkID: Sent] = [:]
        var lastUse = 0
    }

    struct Sent: Sendable {
        var appended: Set<ReplicaID> = []
        var attempted: Set<ReplicaID> = []
    }

    private struct State {
        var sessions: [DepositID: Session] = [:]
        var uses = 0
        var chunks = 0
    }

    private let countMax: Int
    private let state = Mutex(State())

    init(countMax: Int) { self.countMax = countMax }

    func open(_ deposit: DepositID, level: ReplicationLevel, requireAll: Bool?) {
        state.withLock { state in
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
        state.chunks -= session.holders.count + session.sent.count
    }

    /// Keeps what the negotiation found of lacking chunks; where there is no room, it is asked again.
    func note(holders: [ChunkID: Holders], of deposit: DepositID) {
        state.withLock { state in
            guard state.sessions[deposit] != nil else { return }
            for (chunk, found) in holders where state.chunks < Self.chunksMax {
                let known = state.sessions[deposit]?.holders.updateValue(found, forKey: chunk)
                if known == nil { state.chunks += 1 }
            }
        }
    }

    func holders(of chunk: ChunkID, in deposit: DepositID) -> Holders? {
        state.withLock { $0.sessions[deposit]?.holders[chunk] }
    }

    func sent(_ chunks: [ChunkID], in deposit: DepositID) -> [ChunkID: Sent] {
        state.withLock { state in
            guard let sent = state.sessions[deposit]?.sent, !sent.isEmpty else { return [:] }
            var found: [ChunkID: Sent] = [:]
            for chunk in chunks { found[chunk] = sent[chunk] }
            return found
        }
    }

    /// - Throws: `busy` where too many chunks wait for their barrier.
    func note(sent: [ChunkID: Sent], of deposit: DepositID) throws(DepotError) {
        let hasRoom = state.withLock { state in
            guard state.sessions[deposit] != nil else { return true }
            for (chunk, places) in sent {
                if state.sessions[deposit]?.sent[chunk] == nil {
                    guard state.chunks < Self.chunksMax else { return false }
                    state.chunks += 1
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
    func settled(_ chunks: some Sequence<ChunkID>, of deposit: DepositID) {
        state.withLock { state in
            for chunk in chunks {
                if state.sessions[deposit]?.sent.removeValue(forKey: chunk) != nil {
                    state.chunks -= 1
                }
                if state.sessions[deposit]?.holders.removeValue(forKey: chunk) != nil {
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
