import DepotCore
import Testing

// A catalog in a few dictionaries, slow and plain, beside the one that is tested. After each random step the two
// must say the same of every chunk and every file.

/// Plays one random game against a fresh catalog.
public struct CatalogModel {
    private struct File: Equatable {
        var level: Int
        var chunks: [ChunkReference]
        var sequence: CommitSequence
    }

    private struct Lease {
        let level: Int
        var pins: Set<ChunkID>
        var left: Duration
    }

    private static let names = ["a", "a/b", "b", "c%"]

    private let seed: UInt64
    private var fixture: CatalogFixture
    /// The numbers of the members.
    private var replicas: [UInt8] = []
    private var admitted: UInt8 = 5
    /// How often logs went on and back.
    private var regressions: UInt64 = 0
    private var random: SeededGenerator
    private let universe: [ChunkReference]
    private var seen: [ChunkID: ChunkReference] = [:]
    private var files: [String: File] = [:]
    private var leases: [DepositID: Lease] = [:]
    private var copies: [ChunkID: [ReplicaID: HoldingState]] = [:]
    private var commits = 0

    public init(seed: UInt64, fixture: CatalogFixture) throws {
        self.seed = seed
        self.fixture = fixture
        random = SeededGenerator(seed: seed)
        universe = try CatalogFixture.chunks(0..<12)
    }

    /// Goes on with the same catalog, opened again: that renews all leases.
    public mutating func goOn(with fixture: CatalogFixture) {
        self.fixture = fixture
        for deposit in leases.keys { leases[deposit]?.left = CatalogFixture.lease }
    }

    /// - Parameter between: called after each step, before the two are compared: it changes nothing
    ///   that anybody can see.
    public mutating func play(
        steps: Int, between: (CatalogFixture) async throws -> Void = { _ in }
    ) async throws {
        if replicas.isEmpty {
            replicas = Array(1...5)
            try await fixture.admit(1...5)
        }
        for step in 0..<steps {
            let move = Int.random(in: 0..<11, using: &random)
            switch move {
            case 0, 1: try await deposit()
            case 2: try await delete()
            case 3: try await changeLevel()
            case 4: try await settle()
            case 5: try await release()
            case 6: try await lease()
            case 7: try await pass()
            case 8: try await regress()
            case 9: try await exchange()
            default:
                _ = try await fixture.catalog.catchUp()
                _ = try await fixture.catalog.learn()
            }
            try await between(fixture)
            try await compare("seed \(seed), step \(step), move \(move)")
        }
    }

    // MARK: Moves

    private mutating func someReplicas() -> Set<ReplicaID> {
        let count = Int.random(in: 1...4, using: &random)
        return Set(
            replicas.shuffled(using: &random).prefix(count).map {
                CatalogFixture.replica($0)
            })
    }

    private mutating func someChunks() -> [ChunkReference] {
        let count = Int.random(in: 0...5, using: &random)
        return Array(universe.shuffled(using: &random).prefix(count))
    }

    private mutating func deposit() async throws {
        let (chunks, on) = (someChunks(), someReplicas())
        guard let name = Self.names.randomElement(using: &random) else { return }
        let receipt = try await fixture.deposit(name, chunks, on: on)
        let used = try chunks + [CatalogFixture.manifest(chunks)]
        for chunk in used {
            seen[chunk.id] = chunk
            for replica in on { copies[chunk.id, default: [:]][replica] = .good }
        }
        files[name] = File(level: on.count, chunks: used, sequence: receipt.sequence)
        commits += 1
    }

    private mutating func delete() async throws {
        guard let name = files.keys.sorted().randomElement(using: &random) else { return }
        _ = try await fixture.catalog.delete(FileName(name), time: 1)
        files[name] = nil
        commits += 1
    }

    private mutating func changeLevel() async throws {
        guard let name = files.keys.sorted().randomElement(using: &random), let file = files[name]
        else { return }
        let level = Int.random(in: 1...5, using: &random)
        let scarce = file.chunks.contains { good($0.id).count < level }
        do {
            let record = try await fixture.catalog.changeLevel(
                of: FileName(name), expected: file.sequence, to: ReplicationLevel(level),
                copiesRequired: level, counting: members, time: 1)
            #expect(!scarce, "seed \(seed)")
            files[name] = File(level: level, chunks: file.chunks, sequence: record.sequence)
            commits += 1
        } catch {
            #expect(scarce && error.code == .notEnoughReplicas, "seed \(seed)")
        }
    }

    private mutating func settle() async throws {
        guard let chunk = someSeenChunk(),
            let number = replicas.randomElement(using: &random),
            let verdict = [CheckVerdict.good, .bad, .absent].randomElement(using: &random)
        else { return }
        try await fixture.settle(chunk, verdict, on: number)
        let replica = CatalogFixture.replica(number)
        // Of what was only claimed nobody knows how long it is.
        guard copies[chunk.id]?.isEmpty == false || fileTarget(chunk.id) > 0 else { return }
        switch verdict {
        case .absent: copies[chunk.id]?[replica] = nil
        case .good, .bad:
            if copies[chunk.id]?[replica] == .released { return }
            copies[chunk.id, default: [:]][replica] = verdict == .good ? .good : .bad
        }
    }

    private mutating func release() async throws {
        guard let chunk = someSeenChunk(), let number = replicas.randomElement(using: &random)
        else { return }
        let replica = CatalogFixture.replica(number)
        let others = good(chunk.id).subtracting([replica])
        let hashed = others.intersection(someReplicas().union(someReplicas()))
        let released = try await fixture.catalog.release(
            [chunk.id], on: replica, hashedJustBefore: [chunk.id: hashed],
            asOf: fixture.catalog.mark())
        let state = copies[chunk.id]?[replica]
        let wanted = target(chunk.id)
        let may =
            state != nil && state != .unproved && wanted > 0 && hashed.count >= wanted
        #expect(released == (may ? [chunk.id] : []), "seed \(seed)")
        guard may else { return }
        copies[chunk.id]?[replica] = .released
        if Bool.random(using: &random) {
            try await fixture.catalog.removeReleased([chunk.id], on: replica)
            copies[chunk.id]?[replica] = nil
        }
    }

    private mutating func lease() async throws {
        let level = Int.random(in: 1...5, using: &random)
        let deposit = try await fixture.open(level: level)
        let pins = someChunks()
        let live = someReplicas()
        let lacking = try await fixture.catalog.negotiate(
            deposit, chunks: pins, live: live, copies: level)
        let expected = pins.filter { good($0.id).intersection(live).count < level }
        #expect(lacking == expected, "seed \(seed)")
        // Of others nothing is noted.
        let known = try await fixture.catalog.copies(of: pins.map(\.id)).compactMap {
            $0?.reference.id
        }
        leases[deposit] = Lease(level: level, pins: Set(known), left: CatalogFixture.lease)
    }

    private mutating func pass() async throws {
        if let deposit = leases.keys.sorted().randomElement(using: &random),
            Bool.random(using: &random)
        {
            try await fixture.catalog.closeDeposit(deposit)
            leases[deposit] = nil
        }
        let time = Duration.seconds(Int.random(in: 1...400, using: &random))
        fixture.advance(time)
        for deposit in leases.keys { leases[deposit]?.left -= time }
        leases = leases.filter { $0.value.left > .zero }
    }

    /// A log goes on, and then back.
    private mutating func regress() async throws {
        guard let number = replicas.randomElement(using: &random) else { return }
        let replica = CatalogFixture.replica(number)
        regressions += 1
        let on = LogPosition(opens: 1 + regressions, segment: 9, offset: 0)
        for (position, isBack) in [
            (on, false), (LogPosition(opens: 0, segment: 0, offset: 0), true),
        ] {
            let continued = try await fixture.catalog.observe(
                position, of: replica, asOf: fixture.catalog.mark())
            #expect(continued != isBack, "seed \(seed)")
        }
        for chunk in copies.keys where copies[chunk]?[replica] == .good {
            copies[chunk]?[replica] = .unproved
        }
    }

    /// A member is forgotten, and another one is let in.
    private mutating func exchange() async throws {
        guard admitted < 60, Int.random(in: 0..<3, using: &random) == 0,
            let gone = replicas.randomElement(using: &random)
        else { return }
        admitted += 1
        try await fixture.catalog.forget(CatalogFixture.replica(gone))
        try await fixture.admit(admitted...admitted)
        replicas = replicas.filter { $0 != gone } + [admitted]
        for chunk in copies.keys { copies[chunk]?[CatalogFixture.replica(gone)] = nil }
    }

    // MARK: What the model says

    private var members: Set<ReplicaID> { Set(replicas.map { CatalogFixture.replica($0) }) }

    private mutating func someSeenChunk() -> ChunkReference? {
        seen.values.sorted { $0.id < $1.id }.randomElement(using: &random)
    }

    private func good(_ chunk: ChunkID) -> Set<ReplicaID> {
        Set((copies[chunk] ?? [:]).filter { $0.value == .good }.keys)
    }

    private func fileTarget(_ chunk: ChunkID) -> Int {
        files.values.filter { $0.chunks.contains { $0.id == chunk } }.map(\.level).max() ?? 0
    }

    private func target(_ chunk: ChunkID) -> Int {
        let pinned = leases.values.filter { $0.pins.contains(chunk) }.map(\.level).max() ?? 0
        return max(fileTarget(chunk), pinned)
    }

    private func compare(_ when: Comment) async throws {
        let ids = seen.keys.sorted()
        let statuses = try await fixture.catalog.statuses(of: ids)
        let found = try await fixture.catalog.copies(of: ids)
        #expect(found == statuses.map { $0?.copies }, when)
        for (id, status) in zip(ids, statuses) {
            // What was only claimed goes with its last lease.
            if status == nil, copies[id] ?? [:] == [:], target(id) == 0 { continue }
            let status = try #require(status, when)
            #expect(status.reference == seen[id], when)
            #expect(status.target == target(id), when)
            let held = Dictionary(
                status.holdings.map { ($0.replica, $0.state) }
            ) { first, _ in first }
            #expect(held == copies[id] ?? [:], when)
        }
        let listed = try await fixture.catalog.files(prefix: "", after: nil, limit: 100).files
        #expect(listed.map(\.name.text) == files.keys.sorted(), when)
        #expect(listed.map(\.level.copies) == files.keys.sorted().map { files[$0]?.level }, when)
        let highest = try await fixture.catalog.highestSequence()
        #expect(highest.counter == UInt64(commits), when)
        try await compareTotals(when)
    }

    private func compareTotals(_ when: Comment) async throws {
        let totals = try await fixture.catalog.totals(
            counting: members)
        let used = seen.keys.filter { fileTarget($0) > 0 }
        #expect(totals.files == files.count, when)
        #expect(
            totals.underReplicated == used.filter { good($0).count < fileTarget($0) }.count, when)
        let unique = used.reduce(UInt64(0)) { $0 + UInt64(seen[$1]?.length ?? 0) }
        #expect(totals.uniqueBytes == unique, when)
        let stored = seen.values.reduce(UInt64(0)) {
            $0 + UInt64($1.length * good($1.id).count)
        }
        #expect(totals.storedBytes == stored, when)
    }
}
