import DepotCore
import DepotSQLite

// A word goes when its policy does not want it any more: it ended so long ago, and so many newer
// files of its name are kept. The words of a name go from the oldest on, and a lock is on all words
// with one content: what asks for copies on behalf of an older word with the same content, which asks
// for none, stays as long as that one.

extension VersionTable {
    /// Of one transaction: so long others wait.
    private static let forgottenAtOnce = 1_000
    private static let namesAtOnce = 5_000

    /// Whether anything can have to go: looks at one row.
    ///
    /// - Parameter policy: `nil`: as policies say.
    func mayForget(anyBy policy: VersionPolicy?) throws -> Bool {
        let oldest = try session.statement("SELECT min(ended) FROM version").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let oldest, let oldest else { return false }
        var shortest = (policy ?? session.versions).duration
        if policy == nil, try session.hasPolicies() {
            for entry in try PolicyTable(session).all() {
                shortest = min(shortest, entry.policy.duration)
            }
        }
        return oldest <= session.now &- shortest.milliseconds
    }

    /// Words that are looked at for the next ones to go: those that ended first.
    private static let oldestMax = 1_000

    /// The running time until the next words go, as far as it can be told from the oldest; `nil` where
    /// none of these is to go.
    func timeLeft() throws -> Duration? {
        var left: Int64?
        let policies = PolicyTable(session)
        // Many of the oldest may be of one name.
        var kept: [FileName: CommitSequence?] = [:]
        try session.statement(
            "SELECT name, epoch, counter, ended, deleted FROM version ORDER BY ended LIMIT ?"
        ).visit(Self.oldestMax) { row in
            let name = try row.get(0, as: FileName.self)
            let sequence = try row.sequence(1)
            let policy = try policies.policy(for: name)
            let end = try row.get(3, as: Int64.self) &+ policy.duration.milliseconds
            let oldest = try kept[name] ?? oldestKept(of: name, policy)
            kept[name] = .some(oldest)
            if let oldest, oldest <= sequence { return true }
            let locks = try LockTable(session).active(name)
            if locks != .none, try !row.get(4, as: Bool.self),
                try isLocked(sequence, name, locks)
            {
                return true
            }
            left = min(left ?? .max, max(0, end &- session.now))
            return true
        }
        return left.map { .milliseconds($0) }
    }

    /// - Parameter policy: `nil`: as policies say.
    /// - Returns: the last name that is done with, and whether there may be more.
    func forget(
        after start: FileName?, by policy: VersionPolicy?
    ) throws -> (last: FileName?, hasMore: Bool) {
        session.assertChange()
        let next = try session.statement(
            "SELECT name FROM version WHERE name > ? ORDER BY name LIMIT 1")
        var (last, forgotten) = (start, 0)
        for _ in 0..<Self.namesAtOnce {
            let name = try next.first(last?.text ?? "") { try $0.get(0, as: FileName.self) }
            guard let name else { return (last, false) }
            let old = try oldWords(
                of: name, policy ?? PolicyTable(session).policy(for: name),
                limit: Self.forgottenAtOnce - forgotten)
            try forget(old.words, of: name)
            forgotten += old.words.count
            // Of a name with many, the rest goes with the next transaction.
            guard !old.hasMore else { return (last, true) }
            last = name
        }
        return (last, true)
    }

    /// Forgets the words that the newest one on their name lets go of.
    ///
    /// - Returns: what stays because it is locked; and whether there may be more to forget.
    func forgetPurged(of name: FileName) throws -> (forgotten: Int, locked: Int, hasMore: Bool) {
        session.assertChange()
        let old = try oldWords(of: name, nil, limit: Self.forgottenAtOnce)
        try forget(old.words, of: name)
        return (old.words.count, old.locked, old.hasMore)
    }

    /// The words of a name that were purged, or that a policy does not want, the oldest first, without
    /// those that are locked: of what was purged these go when their lock ends.
    ///
    /// - Parameter policy: `nil`: one that wants all.
    private func oldWords(
        of name: FileName, _ policy: VersionPolicy?, limit: Int
    ) throws -> (words: [CommitSequence], locked: Int, hasMore: Bool) {
        let (locks, purged) = try LockTable(session).beforeForgetting(name)
        let end = policy.map { session.now &- $0.duration.milliseconds }
        let kept = try policy.flatMap { try oldestKept(of: name, $0) }
        var (words, locked, hasMore) = ([CommitSequence](), 0, false)
        try session.statement(
            """
            SELECT epoch, counter, ended, deleted FROM version WHERE name = ?
            ORDER BY epoch, counter
            """
        ).visit(name) { row in
            let sequence = try row.sequence(0)
            let ended = try row.get(2, as: Int64.self)
            let isOver = end.map { ended <= $0 } ?? false && kept.map { sequence < $0 } ?? true
            guard isOver || purged.map({ sequence < $0 }) ?? false else { return false }
            if locks != .none, try !row.get(3, as: Bool.self), try isLocked(sequence, name, locks) {
                locked += 1
                return true
            }
            hasMore = words.count == limit
            if !hasMore { words.append(sequence) }
            return !hasMore
        }
        return (words, locked, hasMore)
    }

    /// The oldest of the newest files that a policy keeps whenever they were; `nil` where it keeps
    /// none.
    private func oldestKept(
        of name: FileName, _ policy: VersionPolicy
    ) throws -> CommitSequence? {
        guard policy.last > 0 else { return nil }
        // Where there are fewer, the first one.
        return try session.statement(
            """
            SELECT epoch, counter FROM (
                SELECT epoch, counter FROM version WHERE name = ? AND deleted = 0
                ORDER BY epoch DESC, counter DESC LIMIT ?)
            ORDER BY epoch, counter LIMIT 1
            """
        ).first(name, policy.last) { try $0.sequence(0) }
    }

    private func isLocked(
        _ sequence: CommitSequence, _ name: FileName, _ locks: ContentLocks
    ) throws -> Bool {
        guard let found = try file(name, sequence) else { return false }
        return locks[found.entry.manifest.id] != nil
    }

    private func forget(_ words: [CommitSequence], of name: FileName) throws {
        let forgetting = try session.statement(
            "DELETE FROM version WHERE name = ? AND epoch = ? AND counter = ?")
        for word in words { try forgetting.run(name, word.epoch, word.counter) }
    }
}
