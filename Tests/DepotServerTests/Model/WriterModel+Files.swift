import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// What clients ask for.
extension WriterModel {
    /// What one of them was told.
    enum Answer: Sendable {
        case acknowledged
        /// It may have happened, or not, or happen yet.
        case unknown(String)
        /// Nothing was asked of the catalog yet.
        case refused(String)
    }

    /// A change of one name, or the same of several in one commit.
    struct Change: Sendable {
        let names: [String]
        let file: File?
        let words: String
        let make: @Sendable (TestDepot) async -> Answer
    }

    /// A request whose answer takes its time.
    struct LateRequest {
        let instance: Int
        let link: FaultyReplica
        let change: Change
        let began: Int
        let task: Task<Answer, Never>
    }

    private func freeNames() -> [String] { names.filter { !$0.value.isBusy }.keys.sorted() }

    private func freeName() -> String? { pick(freeNames()) }

    func deposit() async throws {
        guard let change = someDeposit(), let instance = someInstance() else { return }
        try await make(change, at: instance)
    }

    private func someDeposit() -> Change? {
        guard let name = freeName() else { return nil }
        let content = Int.random(in: 0..<contents.count, using: &random)
        let level = Int.random(in: 1...min(4, replicas.count), using: &random)
        let (bytes, isPlain) = (contents[content].bytes, Bool.random(using: &random))
        let parts = (contents[content].chunks, contents[content].manifest)
        let others = freeNames().filter { $0 != name }.shuffled(using: &random)
        let together = isPlain ? 0 : Int.random(in: 0...2, using: &random)
        let names = [name] + others.prefix(together)
        return Change(
            names: names, file: File(content: content, level: level),
            words: "deposit content \(content) as \(names), level \(level)"
        ) { depot in
            if isPlain {
                return await Self.told {
                    try await depot.http.call(
                        .PUT, "/v1/files/\(name)?level=\(level)", body: [bytes])
                }
            }
            return await Self.deposit(parts, as: names, level: level, at: depot)
        }
    }

    func delete() async throws {
        guard let change = someDeletion(), let instance = someInstance() else { return }
        try await make(change, at: instance)
    }

    private func someDeletion() -> Change? {
        guard let name = freeName() else { return nil }
        return Change(names: [name], file: nil, words: "delete \(name)") { depot in
            await Self.told { try await depot.http.call(.DELETE, "/v1/files/\(name)") }
        }
    }

    func changeLevel() async throws {
        guard let name = freeName(), let instance = someInstance(),
            let state = names[name], state.possible.count == 1, let file = state.possible.first,
            let file
        else { return }
        let level = Int.random(in: 1...min(4, replicas.count), using: &random)
        let change = Change(
            names: [name], file: File(content: file.content, level: level),
            words: "change the level of \(name) to \(level)"
        ) { depot in
            await Self.told { try await depot.changeLevel(name, level) }
        }
        try await make(change, at: instance)
    }

    private func make(_ change: Change, at instance: Instance) async throws {
        let began = step
        let depot = instance.depot
        let answer = try await attend { await change.make(depot) }
        note(answer, change, by: instance.number, from: began)
        if case .acknowledged = answer { try await look(at: instance) }
    }

    func note(_ answer: Answer, _ change: Change, by instance: Int, from began: Int) {
        story.append("\(step) \(change.words) at \(instance): \(answer)")
        for name in change.names { names[name]?.isBusy = false }
        switch answer {
        case .refused: return
        case .unknown:
            for name in change.names {
                names[name]?.possible.insert(change.file)
                names[name]?.attempted.insert(change.file)
            }
        case .acknowledged:
            for name in change.names { names[name]?.possible = [change.file] }
            acknowledgements.append(Acknowledgement(instance: instance, from: began, to: step))
        }
    }

    // MARK: Answers that come late

    /// A replica keeps one of a request's questions waiting, while everything else goes on.
    func beginLate() async throws {
        let change = Bool.random(using: &random) ? someDeposit() : someDeletion()
        guard late == nil, let change, let instance = someInstance(),
            let link = pick(instance.depot.links)
        else { return }
        let operations: [FaultyReplica.Operation] = [.put, .vouch, .adopt, .uploadFinish]
        guard let operation = pick(operations) else { return }
        link.inject(.hang, into: operation, calls: .nth(Int.random(in: 1...2, using: &random)))
        story.append("\(step) \(change.words) at \(instance.number) begins, \(operation) may hang")
        for name in change.names { names[name]?.isBusy = true }
        let depot = instance.depot
        let isOver = Flag()
        let task = Task {
            defer { isOver.set() }
            return await change.make(depot)
        }
        late = LateRequest(
            instance: instance.number, link: link, change: change, began: step, task: task)
        // It gets as far as it gets.
        for _ in 0..<100 where link.hangingCount == 0 && !isOver.isSet {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func endLate() async throws {
        guard let late else { return }
        late.link.heal()
        let answer = try await attend { await late.task.value }
        note(answer, late.change, by: late.instance, from: late.began)
        self.late = nil
    }

    // MARK: What is sent

    /// A deposit as clients make it. Until its commit is sent nothing can have happened.
    private static func deposit(
        _ file: (chunks: [VerifiedObject], manifest: FinishedManifest), as names: [String],
        level: Int, at depot: TestDepot
    ) async -> Answer {
        let client = TestDepositor(depot)
        let all = file.chunks + file.manifest.objects
        do {
            let opened = try await client.open(level: level)
            guard opened.status == 200 else { return .refused(words(opened)) }
            for _ in 0..<3 {
                guard let lacking = try await client.lackingNow(all) else {
                    return .refused("negotiation failed")
                }
                if !lacking.isEmpty {
                    let stored = try await client.upload(
                        all.filter { object in lacking.contains { $0.id == object.id.hash } })
                    guard stored.status == 200 else { return .refused(words(stored)) }
                }
                let barrier = try await client.barrier(all)
                guard barrier.status == 200 else { return .refused(words(barrier)) }
                guard try TestDepositor.lacking(barrier).isEmpty else { continue }
                let answer = try await client.commit(names, file.manifest)
                let results = (try? answer.json(CommitAnswerBody.self).results) ?? []
                // All have the same chunks.
                if results.first?.lacking != nil { continue }
                _ = try? await client.close()
                guard results.count == names.count, results.allSatisfy({ $0.receipt != nil })
                else {
                    return .unknown(
                        results.compactMap(\.error?.message).first ?? words(answer))
                }
                return .acknowledged
            }
            return .refused("lacking again and again")
        } catch {
            return .unknown("\(error)")
        }
    }

    private static func told(_ ask: () async throws -> HTTPCaller.Answer) async -> Answer {
        do {
            let answer = try await ask()
            if (200..<300).contains(answer.status) { return .acknowledged }
            return answer.status == 404 ? .refused("404") : .unknown(words(answer))
        } catch {
            return .unknown("\(error)")
        }
    }

    private static func words(_ answer: HTTPCaller.Answer) -> String {
        "\(answer.status) \(answer.error?.message ?? "")"
    }
}

/// Whether something is over.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}

extension TestDepositor {
    /// `nil` where it was refused.
    fileprivate func lackingNow(_ objects: [VerifiedObject]) async throws -> [ChunkReference]? {
        let answer = try await http.call(
            .POST, "\(FileServerRoute.deposits)/\(deposit)/negotiation",
            body: [WireList.encode(objects.map(ChunkReference.init))])
        return answer.status == 200 ? try Self.lacking(answer) : nil
    }
}
