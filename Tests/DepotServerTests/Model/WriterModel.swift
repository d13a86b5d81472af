import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import FoundationEssentials
import NIOCore
import Synchronization
import Testing

// The stories in `WriterInterleavings` and `CatalogInterleavings` are what people thought of. Here chance tells them:
// FileServers on copies of catalogs, old catalogs, rebuilds, replicas that go, come and crash, answers that are lost and
// that come late, over the same replicas. Beside them a few dictionaries keep what was acknowledged, and what may or may
// not have happened because nobody was told.

/// Plays one random game with the FileServers of one cluster.
final class WriterModel {
    /// What a name shows.
    struct File: Hashable {
        /// Which of `contents`.
        let content: Int
        let level: Int
    }

    struct Name {
        /// What it may show: what was acknowledged last, and what was asked for since then without an answer that says
        /// so. `nil` is no file.
        var possible: Set<File?> = [nil]
        /// Whatever was asked for and not acknowledged. An operator who takes a minority's word may bring it back.
        var attempted: Set<File?> = []
        /// A request for it has not been answered.
        var isBusy = false
    }

    /// A FileServer, from its start to its end.
    final class Instance {
        let number: Int
        let folder: String
        let running: TestDepot.Running
        var depot: TestDepot { running.depot }

        init(number: Int, folder: String, running: TestDepot.Running) {
            (self.number, self.folder, self.running) = (number, folder, running)
        }
    }

    /// An acknowledgement: by which instance, and between which moments.
    struct Acknowledgement {
        let instance: Int
        let from: Int
        let to: Int
    }

    static let names = ["a", "a/b", "b", "c"]
    static let instancesMax = 3

    let seed: UInt64
    let top: String
    let replicas: [FakeReplica]
    let time = VirtualTime()
    let contents: [(chunks: [VerifiedObject], manifest: FinishedManifest, bytes: ByteBuffer)]
    var random: SeededGenerator
    var names = Dictionary(uniqueKeysWithValues: WriterModel.names.map { ($0, Name()) })
    var instances: [Instance] = []
    /// Folders of FileServers that were stopped, and copies of folders.
    var stopped: [String] = []
    var copies: [String] = []
    var acknowledgements: [Acknowledgement] = []
    var late: LateRequest?
    var instancesEver = 0
    var foldersEver = 0
    var step = 0
    /// Tasks of one FileServer that sleep when it has nothing to do, by the number of replicas.
    static let sleepersEach = Mutex<[Int: Int]>([:])
    /// What was done, for whoever looks into a seed that fails.
    var story: [String] = []

    init(seed: UInt64, top: String) throws {
        self.seed = seed
        self.top = top
        var random = SeededGenerator(seed: seed)
        let count = seed % 3 == 0 ? 5 : 3
        replicas = try (0..<count).map { _ in
            let digits = String(random.next(), radix: 16)
            let padded = String(repeating: "0", count: 16 - digits.utf8.count) + digits
            let replica = FakeReplica()
            let id = try #require(
                ReplicaID("00000000-0000-4000-\(padded.prefix(4))-\(padded.suffix(12))"))
            replica.state.withLock { $0.id = id }
            return replica
        }
        let parts = (0..<6).map { TestDepositor.data(1_000, seed: seed * 100 + $0) }
        contents = try (0..<8).map { _ in
            let chosen = parts.shuffled(using: &random).prefix(
                Int.random(in: 1...3, using: &random))
            let bytes = chosen.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
            let file = try TestDepositor.file(bytes, chunkSize: 1_000)
            return (file.chunks, file.manifest, bytes)
        }
        self.random = random
    }

    var replay: Comment {
        "seed \(seed), step \(step); done so far:\n  \(story.joined(separator: "\n  "))"
    }

    func play(steps: Int) async throws {
        do {
            try await start(in: freshFolder())
            for _ in replicas { try await pass(.seconds(1)) }
            for _ in 0..<3 { try await deposit() }
            for _ in 0..<steps {
                step += 1
                try await move()
            }
            try await judge()
        } catch {
            await end()
            throw error
        }
        await end()
    }

    private func move() async throws {
        if instances.isEmpty, Bool.random(using: &random) { return try await startSomehow() }
        switch Int.random(in: 0..<44, using: &random) {
        case 0..<11: try await deposit()
        case 11..<14: try await delete()
        case 14..<16: try await changeLevel()
        case 16..<18: try await beginLate()
        case 18..<20: try await endLate()
        case 20: try await copyFolder()
        case 21..<23: try await startCopy()
        case 23: try await stopOne()
        case 24: try await startAgain()
        case 25: try await rebuild()
        case 26..<29: go()
        case 29..<32: come()
        case 32: crash()
        case 33..<35: loseAnswer()
        case 35: seal()
        case 36: try await collect()
        case 37: try await verify()
        case 38..<40: cut()
        case 40..<42: mend()
        default: try await pass()
        }
    }

    private func startSomehow() async throws {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: try await startAgain()
        case 1: try await startCopy()
        default: try await rebuild()
        }
    }

    // MARK: Time

    func pass() async throws {
        let spans: [Duration] = [
            .seconds(1), .seconds(1), .seconds(6), .seconds(11), .seconds(700),
        ]
        try await pass(spans.randomElement(using: &random) ?? .seconds(1))
    }

    func pass(_ span: Duration) async throws {
        story.append("\(step) \(span) pass")
        try await time.advance(
            by: span, patience: late == nil ? .seconds(5) : .milliseconds(20))
    }

    /// Waits for the end of something. What a request waits for may be time: then that passes.
    func attend<Value: Sendable>(
        _ ask: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let clockwork = Task { [time] in
            while true {
                try await Task.sleep(for: .milliseconds(50))
                try await time.advance(by: .seconds(5), patience: .milliseconds(5))
            }
        }
        defer { clockwork.cancel() }
        return try await ask()
    }

    /// Mostly the one that wrote last: who may not write is soon told so.
    func someInstance() -> Instance? {
        let last = acknowledgements.last?.instance
        let writer = instances.first { $0.number == last } ?? instances.last
        return Int.random(in: 0..<4, using: &random) == 0 ? pick(instances) : writer
    }

    func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }

    func freshFolder() -> String {
        foldersEver += 1
        return "\(top)/\(foldersEver)"
    }

    private func end() async {
        for replica in replicas { replica.mood = .well }
        for instance in instances { for link in instance.depot.links { link.heal() } }
        _ = await late?.task.value
        for instance in instances { try? await instance.running.stop() }
    }
}
