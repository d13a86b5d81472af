import DepotCore
import Testing

// A list of words for each name, slow and plain, beside the catalog that is tested. After each random step the
// catalog must give, at any instant, exactly what was acknowledged then, as far as policies and locks keep it.

/// Plays one random game with versions against a fresh catalog that keeps them.
public struct VersionModel {
    /// Closes a catalog that is lost, and makes one of the cluster that takes what replicas hold.
    public typealias Remaking = (any Catalog, ClusterIdentity) async throws -> CatalogFixture

    typealias Content = (chunk: ChunkReference, level: Int)

    struct Word {
        let sequence: CommitSequence
        let time: Int64
        /// `nil`: a deletion.
        let content: Content?
        /// When the next word took its place, in the catalog's running time, and by the clock on the wall.
        var ended: Duration?
        var until: Int64?
        /// Whether it asks for copies: the word in whose place the next one came asked for it.
        var asks = true
    }

    /// A word as its record says it, whatever became of it.
    struct Said {
        let sequence: CommitSequence
        let time: Int64
        let content: Content?
        /// Since when the name says it, where the word before said the same.
        let since: Int64?

        var began: Int64 { since ?? time }
    }

    struct Lock {
        /// In the catalog's running time.
        var deadline: Duration?
        var until: Int64?
        var isHeld: Bool
    }

    struct Policy {
        /// Of running time; no day passes in a game.
        let days: Int
        let last: Int
    }

    private static let names = ["a", "a/b", "b"]
    private static let scopes = ["", "a", "a/b"]

    var fixture: CatalogFixture
    let remaking: Remaking
    private let kept: Duration
    var random: SeededGenerator
    private let universe: [ChunkReference]
    /// What can be asked for; the oldest first.
    var words: [String: [Word]] = [:]
    var said: [String: [Said]] = [:]
    var locks: [String: [ChunkID: Lock]] = [:]
    /// What the newest word on a name locks.
    var saidLocks: [String: [ChunkID: Lock]] = [:]
    var purged: [String: CommitSequence] = [:]
    private var policies: [String: Policy] = [:]
    var held = HeldObjects()
    /// The clock on the wall, which is set by somebody now and then.
    private var time: Int64 = 1_000
    var calendar = CatalogFixture.calendarStart
    var elapsed = Duration.zero

    /// - Parameter kept: how long the catalog keeps what names were.
    public init(
        seed: UInt64, fixture: CatalogFixture, kept: Duration, remaking: @escaping Remaking
    ) throws {
        self.fixture = fixture
        self.remaking = remaking
        self.kept = kept
        random = SeededGenerator(seed: seed)
        universe = try CatalogFixture.chunks(0..<5)
    }

    public mutating func play(steps: Int) async throws {
        try await fixture.admit(1...3)
        for step in 0..<steps {
            let name = Self.names.randomElement(using: &random) ?? "a"
            switch Int.random(in: 0..<15, using: &random) {
            case 0, 1, 2: try await put([name])
            case 13: try await put(Self.names)
            case 3: try await delete(name)
            case 4: try await changeLevel(name)
            case 5: try await revert(name)
            case 6: try await undelete(name)
            case 7: try await purge(name)
            case 8: pass()
            case 9, 10: try await lock(name)
            case 11: try await setPolicy()
            case 14: try await rebuild()
            default: try await collect()
            }
            time += Int64.random(in: 0...2, using: &random)
            try await compare("step \(step)")
        }
    }

    // MARK: Moves

    private func live(_ name: String) -> Word? {
        words[name]?.last.flatMap { $0.content == nil ? nil : $0 }
    }

    static func areSame(_ old: Content?, _ new: Content?) -> Bool {
        guard let old, let new else { return old == nil && new == nil }
        return old == new
    }

    private mutating func say(
        _ name: String, _ sequence: CommitSequence, _ content: Content?, hadLocks: Bool = false
    ) {
        var all = words[name] ?? []
        let repeated = all.last.flatMap { Self.areSame($0.content, content) ? $0.time : nil }
        said[name, default: []].append(
            Said(sequence: sequence, time: time, content: content, since: repeated))
        saidLocks[name] = locks[name]?.filter { isActive($0.value) }
        if let last = all.last, Self.areSame(last.content, content) {
            // The same once more: the name says it since then.
            all[all.count - 1] = Word(
                sequence: sequence, time: last.time, content: content, ended: nil)
        } else {
            if let last = all.indices.last {
                let isSame = all[last].content?.chunk == content?.chunk
                all[last].ended = elapsed
                all[last].until = time
                all[last].asks = !isSame
                if keepsNothing(of: name), !hadLocks {
                    let dropped = all.removeLast()
                    if !isSame, let before = all.indices.last,
                        all[before].content?.chunk == dropped.content?.chunk
                    {
                        all[before].asks = true
                    }
                }
            }
            all.append(Word(sequence: sequence, time: time, content: content, ended: nil))
        }
        words[name] = all
    }

    /// One commit; the records of several names are kept together.
    private mutating func put(_ names: [String]) async throws {
        let level = Int.random(in: 1...3, using: &random)
        let deposit = try await fixture.open(level: level)
        let chunks = names.map { _ in universe.randomElement(using: &random) ?? universe[0] }
        try await fixture.send(chunks, to: CatalogFixture.replicas(1...3), in: deposit)
        held.take(chunks)
        let outcomes = try await fixture.catalog.commit(
            zip(names, chunks).map { try CatalogFixture.commit($0, only: $1) }, deposit: deposit,
            copiesRequired: level, time: time)
        try await fixture.catalog.closeDeposit(deposit)
        for (name, (chunk, outcome)) in zip(names, zip(chunks, outcomes)) {
            say(name, try outcome.receipt.sequence, (chunk, level))
        }
    }

    private mutating func delete(_ name: String) async throws {
        guard live(name) != nil else { return }
        let record = try await fixture.catalog.delete(FileName(name), time: time)
        say(name, record.sequence, nil)
    }

    private mutating func changeLevel(_ name: String) async throws {
        guard let word = live(name), let content = word.content else { return }
        let level = content.level % 3 + 1
        let record = try await fixture.catalog.changeLevel(
            of: FileName(name), expected: word.sequence, to: ReplicationLevel(level),
            copiesRequired: 1, counting: CatalogFixture.replicas(1...3), time: time)
        say(name, record.sequence, (content.chunk, level))
    }

    private mutating func revert(_ name: String) async throws {
        let files = words[name]?.filter { $0.content != nil } ?? []
        guard let word = files.randomElement(using: &random) else { return }
        let record = try await fixture.catalog.revert(
            FileName(name), to: word.sequence, time: time, request: nil)
        say(name, record.sequence, word.content)
    }

    private mutating func undelete(_ name: String) async throws {
        guard let last = words[name]?.last, last.content == nil else { return }
        let before = words[name]?.last { $0.content != nil }
        guard let before else {
            await expectError(.notFound) {
                _ = try await fixture.catalog.revert(
                    FileName(name), to: nil, time: time, request: nil)
            }
            return
        }
        let record = try await fixture.catalog.revert(
            FileName(name), to: nil, time: time, request: nil)
        say(name, record.sequence, before.content)
    }

    private mutating func purge(_ name: String) async throws {
        guard Int.random(in: 0..<3, using: &random) == 0 else { return }
        let record = try await fixture.catalog.purge(FileName(name), time: time, request: nil)
        #expect(record != nil || words[name] == nil || purged[name] == words[name]?.last?.sequence)
        if let record {
            #expect(record.history.purged == record.sequence)
            say(name, record.sequence, live(name)?.content)
            purged[name] = record.sequence
        }
        // Whoever was to forget died, or took its time.
        if Int.random(in: 0..<4, using: &random) == 0 { return }
        if Int.random(in: 0..<4, using: &random) == 0 { try await put([name]) }
        try await forgetPurged(name)
    }

    private mutating func forgetPurged(_ name: String) async throws {
        let old = (words[name] ?? []).dropLast().filter { word in
            purged[name].map { word.sequence < $0 } ?? false
        }
        let locked = old.filter { isLocked($0, name) }
        let found = try await fixture.catalog.forgetPurged(FileName(name))
        #expect(found == PurgedVersions(forgotten: old.count - locked.count, locked: locked.count))
        let gone = Set(old.map(\.sequence)).subtracting(locked.map(\.sequence))
        words[name] = words[name]?.filter { !gone.contains($0.sequence) }
    }

    // MARK: Retention

    private func isActive(_ lock: Lock) -> Bool {
        lock.isHeld || lock.deadline.map { elapsed < $0 } ?? false
    }

    private func isLocked(_ word: Word, _ name: String) -> Bool {
        guard let chunk = word.content?.chunk.id, let lock = locks[name]?[chunk] else {
            return false
        }
        return isActive(lock)
    }

    func keepsNothing(of name: String) -> Bool {
        let policy = policy(of: name)
        return policy.time == .zero && policy.last == 0
            && !(locks[name] ?? [:]).values.contains { isActive($0) }
    }

    private func policy(of name: String) -> (time: Duration, last: Int) {
        let scopes = Self.scopes.filter { $0.isEmpty || name == $0 || name.hasPrefix("\($0)/") }
        guard let scope = scopes.last(where: { policies[$0] != nil }), let policy = policies[scope]
        else { return (kept, 0) }
        return (.seconds(policy.days * 86_400), policy.last)
    }

    private mutating func lock(_ name: String) async throws {
        let files = words[name]?.filter { $0.content != nil } ?? []
        guard let word = files.randomElement(using: &random), let content = word.content else {
            return
        }
        let before = locks[name]?[content.chunk.id].flatMap { isActive($0) ? $0 : nil }
        let isTimed = Bool.random(using: &random)
        let end = Int64.random(in: 1...200, using: &random)
        let change = try LockChange(
            until: isTimed ? calendar + end : nil,
            isHeld: isTimed ? nil : Int.random(in: 0..<3, using: &random) == 0)
        let version = try VersionName(FileName(name), word.sequence)
        if let until = change.until, let old = before?.until, until < old {
            let time = time
            await expectError(.conflict) {
                _ = try await fixture.catalog.lock(version, change, time: time, request: nil)
            }
            return
        }
        var lock = before ?? Lock(isHeld: false)
        lock.isHeld = change.isHeld ?? lock.isHeld
        if let until = change.until, until != lock.until {
            var deadline = elapsed + .seconds(end)
            if let old = lock.deadline, let oldUntil = lock.until, old > elapsed {
                deadline = max(deadline, old + .seconds(until - oldUntil))
            }
            (lock.deadline, lock.until) = (deadline, until)
        }
        let locked = try await fixture.catalog.lock(version, change, time: time, request: nil)
        let hadLocks = (locks[name] ?? [:]).values.contains { isActive($0) }
        locks[name, default: [:]][content.chunk.id] = lock
        guard let record = locked.record else { return }
        say(name, record.sequence, live(name)?.content, hadLocks: hadLocks)
    }

    private mutating func setPolicy() async throws {
        let scope = Self.scopes.randomElement(using: &random) ?? ""
        let policy =
            Int.random(in: 0..<3, using: &random) == 0
            ? nil
            : Policy(
                days: Int.random(in: 0...1, using: &random),
                last: Int.random(in: 0...2, using: &random))
        _ = try await fixture.catalog.setPolicy(
            policy.map { try VersionPolicy(days: $0.days, last: $0.last) },
            of: PolicyScope(prefix: scope), time: time, request: nil)
        policies[scope] = policy
    }

    private func kept(of name: String) -> [Word] {
        guard let all = words[name], let current = all.last else { return [] }
        let policy = policy(of: name)
        let files = all.dropLast().filter { $0.content != nil }
        let oldestKept = policy.last > 0 ? files.suffix(policy.last).first?.sequence : nil
        var kept: [Word] = []
        for (index, word) in all.dropLast().enumerated() {
            let isOld = word.ended.map { elapsed - $0 >= policy.time } ?? false
            let isPurged = purged[name].map { word.sequence < $0 } ?? false
            guard isPurged || isOld && oldestKept.map({ word.sequence < $0 }) ?? true else {
                kept += all.dropLast()[index...]
                break
            }
            if isLocked(word, name) { kept.append(word) }
        }
        return kept + [current]
    }

    /// Running time goes on; the clock on the wall does what it wants.
    private mutating func pass() {
        let passed = Duration.seconds(Int.random(in: 1...60, using: &random))
        fixture.advance(passed)
        elapsed += passed
        if Int.random(in: 0..<4, using: &random) == 0 {
            time += Int64.random(in: -500...5_000, using: &random)
            calendar += Int64.random(in: -500...5_000, using: &random)
            fixture.setCalendar(calendar)
        }
    }

    private mutating func collect() async throws {
        try await deliver()
        try await fixture.catalog.markUnused()
        // Where nothing can be over by its time, nothing is looked at.
        let shortest = policies.values.map { .seconds($0.days * 86_400) }.reduce(kept, min)
        let ends = words.values.flatMap { $0.dropLast().compactMap(\.ended) }
        if let oldest = ends.min(), oldest <= elapsed - shortest {
            for name in words.keys { words[name] = kept(of: name) }
        }
        let grace = CollectionGrace(.zero)
        for number in HeldObjects.replicas {
            let replica = CatalogFixture.replica(number)
            let unused = try await fixture.catalog.unused(
                for: grace, on: replica, after: nil, limit: 100)
            let released = try await fixture.catalog.releaseUnused(
                unused.map(\.id), for: grace, on: replica)
            let needed = Set(words.values.joined().compactMap { $0.content?.chunk.id })
            #expect(needed.isDisjoint(with: released))
            // Where the server dies before, the replica still has them.
            guard Bool.random(using: &random) else { continue }
            try await fixture.catalog.removeReleased(released, on: replica)
            held.remove(chunks: released, on: number)
        }
        try await collectRecords()
    }

    // MARK: Comparison

    private func compare(_ when: String) async throws {
        for name in Self.names {
            let wanted = (words[name] ?? []).reversed()
            let found = try await fixture.catalog.versions(
                of: FileName(name), before: nil, limit: 1_000)
            #expect(found.map(\.sequence) == wanted.map(\.sequence), "\(when), \(name)")
            #expect(found.map(\.time) == wanted.map(\.time), "\(when), \(name)")
            let locked = found.map { $0.lock != nil }
            #expect(locked == wanted.map { isLocked($0, name) }, "\(when), \(name)")
        }
        let times = words.values.joined().map(\.time)
        for time in Set(times + [0, .max] + times.map { $0 - 1 }) {
            var wanted: [String: ChunkID] = [:]
            for (name, words) in words {
                // What came after it may have gone, where it is locked.
                let word = words.last { $0.time <= time }
                let isOver = word?.until.map { $0 <= time } ?? false
                wanted[name] = isOver ? nil : word?.content?.chunk.id
            }
            let page = try await fixture.catalog.files(at: time, prefix: "", after: nil, limit: 100)
            let found = page.files.map { ($0.name.text, $0.manifest.chunk?.id) }
            #expect(
                Dictionary(uniqueKeysWithValues: found) == wanted.mapValues(Optional.some),
                "\(when), at \(time)")
        }
        // What a name asks for: the levels of its words, but for those whose next word had the same content.
        for chunk in universe {
            var target = 0
            for words in words.values {
                for word in words where word.content?.chunk == chunk && word.asks {
                    target = max(target, word.content?.level ?? 0)
                }
            }
            let status = try await fixture.status(chunk)
            #expect(status?.target ?? 0 == target, "\(when), chunk \(chunk.id)")
        }
    }
}
