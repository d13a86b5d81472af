import DepotCluster
import DepotCore
import DepotWire
import NIOCore
import Synchronization

/// What one request sends to one replica. It never holds up the request: parts wait here, as slices
/// that other lanes share, and a request has no more of them than one batch. They are handed over
/// many at a time: a small object alone costs less than waking whoever sends it. And only when they
/// are whole: a replica keeps memory for each object that it was told of, which no slow client is
/// to take.
final class UploadLane: Sendable {
    private enum Command: Sendable {
        case begin(ChunkReference)
        case write(ByteBuffer)
        case finish
    }

    private struct Collected {
        var commands: [Command] = []
        /// So many of them belong to objects that are whole.
        var whole = 0
    }

    let replica: ReplicaID
    private let node: ReplicaNode
    private let context: ServerContext
    private let pool: ReplicaPool
    private let commands: AsyncStream<[Command]>.Continuation
    private let collected = Mutex(Collected())
    private let outcome = OneShot<Result<Void, DepotError>>()
    private let progress = Atomic<Int>(0)
    private let task: Mutex<Task<Void, Never>?> = Mutex(nil)

    init(
        to replica: ReplicaID, node: ReplicaNode, deposit: DepositID, context: ServerContext,
        pool: ReplicaPool
    ) {
        self.replica = replica
        self.node = node
        self.context = context
        self.pool = pool
        let (stream, commands) = AsyncStream.makeStream(of: [Command].self)
        self.commands = commands
        let running = Task(executorPreference: LoopExecutor.current) {
            await self.run(stream, deposit)
        }
        task.withLock { $0 = running }
    }

    /// Why it has failed, if it has.
    var failure: DepotError? {
        if case .failure(let error) = outcome.current { error } else { nil }
    }

    func begin(_ chunk: ChunkReference) { collect(.begin(chunk)) }
    func write(_ part: ByteBuffer) { collect(.write(part)) }

    /// What was begun is whole.
    func end() { collected.withLock { $0.whole = $0.commands.count } }

    private func collect(_ command: Command) { collected.withLock { $0.commands.append(command) } }

    /// Hands over what became whole since the last time.
    func flush() {
        let ready = collected.withLock { collected in
            defer {
                collected.commands.removeFirst(collected.whole)
                collected.whole = 0
            }
            return Array(collected.commands.prefix(collected.whole))
        }
        if !ready.isEmpty { commands.yield(ready) }
    }

    /// Waits until the replica has appended everything, for as long as it makes progress.
    func finish() async throws(DepotError) {
        collect(.finish)
        end()
        flush()
        commands.finish()
        var looksInVain = 0
        while outcome.current == nil {
            let before = progress.load(ordering: .relaxed)
            await look()
            if Task.isCancelled { cancel() }
            let isIdle = progress.load(ordering: .relaxed) == before
            looksInVain = isIdle ? looksInVain + 1 : 0
            if looksInVain == Self.looksMax || isIdle && isDown { giveUp() }
        }
        try await outcome.value().get()
    }

    /// So often is looked for progress before `stallLimit` is over.
    private static let looksMax = 10

    private var isDown: Bool {
        if case .down = node.condition { true } else { false }
    }

    /// Waits until it is over, or until it is time to look again.
    private func look() async {
        let outcome = outcome
        let limit = TimeLimit(
            clock: context.clock, limit: context.timing.stallLimit / Self.looksMax)
        do throws(DepotError) {
            try await limit.run("progress") { () async throws(DepotError) in
                _ = await outcome.value()
            }
        } catch {
            // Not yet over.
        }
    }

    private func giveUp() {
        leaveBehind(
            DepotError(
                .unreachable, "it made no progress for \(context.timing.stallLimit); left behind",
                object: node.name), isStalled: true)
    }

    func cancel() {
        leaveBehind(DepotError(.unreachable, "the upload was given up"), isStalled: false)
    }

    private func leaveBehind(_ error: DepotError, isStalled: Bool) {
        guard outcome.decide(.failure(error)) else { return }
        commands.finish()
        task.withLock { $0 }?.cancel()
        if isStalled { pool.noteStall(of: node) }
    }

    private func run(_ stream: AsyncStream<[Command]>, _ deposit: DepositID) async {
        do throws(DepotError) {
            var commands = stream.makeAsyncIterator()
            // The connection is taken when there is something to send.
            if let first = await commands.next() {
                let upload = try await node.link.openUpload(for: deposit)
                try await send(first, &commands, over: upload)
            }
            outcome.decide(.success(()))
        } catch {
            if outcome.decide(.failure(error)) { pool.suspect(node, because: error) }
            commands.finish()
        }
        // What was not sent is let go.
        for await _ in stream {}
    }

    private func send(
        _ first: [Command], _ rest: inout AsyncStream<[Command]>.AsyncIterator,
        over upload: any ChunkUpload
    ) async throws(DepotError) {
        do throws(DepotError) {
            var ready: [Command]? = first
            while let commands = ready, failure == nil {
                for command in commands {
                    switch command {
                    case .begin(let chunk):
                        try await upload.begin(.chunk(chunk.id), length: chunk.length)
                    case .write(let part): try await upload.write(part)
                    case .finish: return try await upload.finish()
                    }
                    progress.add(1, ordering: .relaxed)
                }
                ready = await rest.next()
            }
            throw DepotError(.unreachable, "the upload was given up")
        } catch {
            await upload.cancel()
            throw error
        }
    }
}
