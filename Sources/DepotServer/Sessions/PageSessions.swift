import DepotCore
import DepotWire
import Synchronization

// A script that got into the page could send a token away that the page keeps; it cannot read a
// cookie that is closed to scripts. So the page shows the token once, and gets a random id for it,
// which is worth nothing after twelve hours, without its token, or after a restart. The id alone
// reads; for changes the request also says that it comes from the page, which a form or an image of
// another origin cannot.

/// Who is signed in at the page. In memory only.
final class PageSessions: Sendable {
    /// From signing in on, however often it is used.
    static let lifetime = Duration.seconds(12 * 3_600)
    /// Of all tokens; beyond them the oldest session of the token that has most of them ends.
    static let countMax = 1_024
    /// Of one token; beyond them its oldest session ends.
    static let countOfOneMax = 64
    /// Random bytes of an id.
    private static let idBytes = 32

    struct Session: Sendable {
        /// Of the token that was shown.
        let token: TokenDigest
        let began: Duration
        fileprivate let order: UInt64
    }

    private struct State {
        /// By the hash of the id, so that looking one up tells nothing of it by its time.
        var sessions: [ChunkID: Session] = [:]
        var order: UInt64 = 0
    }

    private let state = Mutex(State())
    private let elapsed: @Sendable () -> Duration

    /// - Parameter elapsed: running time.
    init(elapsed: @escaping @Sendable () -> Duration) { self.elapsed = elapsed }

    /// - Returns: the new session's id.
    func begin(with token: TokenDigest) -> String {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<Self.idBytes).map { _ -> String in
            let byte = UInt8.random(in: 0...255, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        let now = elapsed()
        state.withLock { state in
            state.sessions = state.sessions.filter { now - $0.value.began < Self.lifetime }
            Self.makeRoom(for: token, in: &state.sessions)
            state.order += 1
            state.sessions[ChunkID(hashing: id)] = Session(
                token: token, began: now, order: state.order)
        }
        return id
    }

    private static func makeRoom(for token: TokenDigest, in sessions: inout [ChunkID: Session]) {
        let own = sessions.filter { $0.value.token == token }
        if own.count >= countOfOneMax { return drop(of: own, from: &sessions) }
        guard sessions.count >= countMax else { return }
        let byToken = Dictionary(grouping: sessions) { $0.value.token }
        guard let most = byToken.values.max(by: { $0.count < $1.count }) else { return }
        drop(of: Dictionary(uniqueKeysWithValues: most), from: &sessions)
    }

    private static func drop(
        of some: [ChunkID: Session], from sessions: inout [ChunkID: Session]
    ) {
        guard let oldest = some.min(by: { $0.value.order < $1.value.order }) else { return }
        sessions[oldest.key] = nil
    }

    /// - Returns: `nil` for an id that is none, or not any more.
    func session(_ id: String) -> Session? {
        let key = ChunkID(hashing: id)
        let now = elapsed()
        return state.withLock { state in
            guard let found = state.sessions[key] else { return nil }
            guard now - found.began < Self.lifetime else {
                state.sessions[key] = nil
                return nil
            }
            return found
        }
    }

    func end(_ id: String) {
        let key = ChunkID(hashing: id)
        state.withLock { $0.sessions[key] = nil }
    }

    /// So long a session goes on.
    func timeLeft(of session: Session) -> Duration {
        max(.zero, Self.lifetime - (elapsed() - session.began))
    }

    var count: Int { state.withLock { $0.sessions.count } }
}
