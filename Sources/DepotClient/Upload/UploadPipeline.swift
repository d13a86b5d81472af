import DepotCore
import DepotWire
import NIOCore

// One group of chunks is read, cut and hashed while the one before it is sent. Of a group only what
// the FileServer lacks is sent, in batches, several at a time. Now and then a barrier makes durable
// what was sent so far, so that a deposit that is interrupted and run again sends only the rest;
// files whose chunks are all behind a barrier are committed, many at once, while the next groups
// are sent.

/// Deposits files, one or many, in one deposit.
public struct UploadPipeline: Sendable {
    /// Batches on their way at once: enough to keep a connection busy while the next answer is
    /// awaited.
    private static let batchesMax = 4
    /// Leases that end within one step: nobody sleeps so often in a few seconds of work.
    private static let leasesMax = 8

    public enum Event: Sendable {
        /// Bytes of content that have been read and dealt with, sent or known.
        case advanced(bytes: UInt64)
        case deposited(ReceiptBody, EntryKind)
        /// It is in the depot as it is; its bytes, where it was not read, count as dealt with.
        case unchanged(EntryKind, bytes: UInt64)
        /// It was read though all that tells of changes is as before, and has other content. It is
        /// deposited as it is now.
        case changedUnseen(FileName)
        /// More is read than need be.
        case warnedOfCache(CacheProblem)
        /// Something of this file is not deposited, though its bytes are.
        case warned(FileName, DepositWarning)
        /// This file was not deposited; the others go on.
        case failed(FileName, DepotError)
    }

    let server: any FileServerAPI
    let threads: BlockingThreads
    let deposit: DepositID
    let level: ReplicationLevel
    private let requireAll: Bool
    let chunker: ContentChunker
    let attributes: SourceAttributes
    let expected: FileExpectation
    let terms: TreeTerms?
    let cache: DepositCache
    private let pause: @Sendable (Duration) async throws -> Void
    let onEvent: @Sendable (Event) -> Void

    /// - Parameters:
    ///   - includesAllAttributes: those of the system, too.
    ///   - expected: what each name has to be like when its file is committed.
    ///   - tree: what of a tree is not read again; `nil` for what is no tree.
    ///   - chunks: how long chunks are: the same for all clients of a cluster.
    ///   - pause: waits between two renewals of the lease.
    public init(
        server: any FileServerAPI, threads: BlockingThreads, deposit: DepositID,
        level: ReplicationLevel, requireAll: Bool, includesAllAttributes: Bool = false,
        expecting expected: FileExpectation = .anything,
        tree terms: TreeTerms? = nil, chunks: ChunkerParameters = .default,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        },
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.server = server
        self.threads = threads
        self.deposit = deposit
        self.level = level
        self.requireAll = requireAll
        self.expected = expected
        chunker = ContentChunker(chunks)
        attributes = SourceAttributes(includesAll: includesAllAttributes, deposit: deposit)
        self.terms = terms
        cache = DepositCache { onEvent(.warnedOfCache($0)) }
        self.pause = pause
        self.onEvent = onEvent
    }

    /// Deposits everything; what becomes of each file is told in events.
    ///
    /// - Parameter sources: are asked for one at a time, on a thread that may block.
    /// - Throws: what ends the whole deposit.
    public func run(_ sources: some Sequence<UploadSource> & Sendable) async throws(DepotError) {
        let opened = try await open()
        let keeper = LeaseKeeper(lease: .seconds(opened.leaseSeconds), pause: pause) {
            () async throws(DepotError) in _ = try await open()
        }
        try await openCache(of: opened.cluster)
        let pipe = GroupPipe()
        let producer = Task {
            var maker = maker(of: sources)
            do throws(DepotError) {
                while let group = try await maker.next() {
                    guard await pipe.send(group) else { return }
                }
                await pipe.finish(nil)
            } catch {
                await pipe.finish(error)
            }
        }
        do throws(DepotError) {
            try await keeper.whileRunning { () async throws(DepotError) in try await drain(pipe) }
            await closeCache()
        } catch {
            producer.cancel()
            await pipe.close()
            await closeCache()
            await letGo(after: error)
            throw error
        }
        // Everything has its receipt; the lease ends by itself.
        try? await server.closeDeposit(deposit)
    }

    /// What was sent of a deposit that is refused, such as for want of room, must not stay pinned
    /// until its lease ends. Where nobody answers, it ends by itself.
    private func letGo(after error: DepotError) async {
        guard error.code != .unreachable, error.code != .busy else { return }
        // The refusal is what counts.
        try? await server.closeDeposit(deposit)
    }

    /// Sends group after group. Those that were sent are settled while the next ones are on their
    /// way; one settlement follows the other.
    private func drain(_ pipe: GroupPipe) async throws(DepotError) {
        let outcome = await withTaskGroup(of: Result<PendingChunks, DepotError>.self) { settling in
            settling.addTask { .success(PendingChunks()) }
            do throws(DepotError) {
                var sent = SentGroups()
                var isAtEnd = false
                while !isAtEnd {
                    let group = try await Self.next(pipe)
                    if let group {
                        try await send(group)
                        tell(group)
                        sent.add(group)
                    }
                    isAtEnd = group == nil
                    guard isAtEnd || sent.isFull else { continue }
                    let pending = try await Self.ended(&settling)
                    let groups = sent.take()
                    settling.addTask { await settled(groups, pending) }
                }
                _ = try await Self.ended(&settling)
                return Result<Void, DepotError>.success(())
            } catch {
                // What is being settled goes on: its files get their receipts, whatever becomes of
                // the rest.
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private func tell(_ group: UploadGroup) {
        onEvent(.advanced(bytes: group.bytes))
        for _ in 0..<group.unchangedCount { onEvent(.unchanged(.file, bytes: 0)) }
        for name in group.changedUnseen { onEvent(.changedUnseen(name)) }
        for (file, warning) in group.warnings { onEvent(.warned(file.name, warning)) }
    }

    /// What the settlement before has left, when it ends.
    private static func ended(
        _ settling: inout TaskGroup<Result<PendingChunks, DepotError>>
    ) async throws(DepotError) -> PendingChunks {
        guard let outcome = await settling.next() else {
            throw DepotError(.internalError, "nothing is being settled")
        }
        return try outcome.get()
    }

    /// Does not wait for a stream that gives nothing once the task is cancelled.
    private static func next(_ pipe: GroupPipe) async throws(DepotError) -> UploadGroup? {
        let group: Result<UploadGroup?, DepotError> = await withTaskCancellationHandler {
            do throws(DepotError) {
                return .success(try await pipe.next())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            Task { await pipe.finish(DepotError(.unreachable, "given up")) }
        }
        guard !Task.isCancelled else { throw DepotError(.unreachable, "given up") }
        return try group.get()
    }

    /// Opens the deposit, or renews its lease, or opens it again where that has ended.
    private func open() async throws(DepotError) -> DepositBody {
        try await server.openDeposit(
            OpenDepositBody(deposit: deposit, level: level, requireAll: requireAll))
    }

    // MARK: Sending

    private func send(_ group: UploadGroup) async throws(DepotError) {
        var objects: [ChunkID: VerifiedObject] = [:]
        var references: [ChunkReference] = []
        for (object, chunk) in zip(group.objects, group.chunks)
        where objects.updateValue(object, forKey: chunk.reference.id) == nil {
            references.append(chunk.reference)
        }
        guard !references.isEmpty else { return }
        try await deliver(references.compactMap { objects[$0.id] })
    }

    /// Sends chunks that the FileServer lacks. What was negotiated is promised for as long as the
    /// lease lives: where it ended, all of them are negotiated anew.
    ///
    /// - Parameter isLacking: known to be, whatever is promised.
    func deliver(
        _ objects: [VerifiedObject], isLacking: Bool = false
    ) async throws(DepotError) {
        guard !objects.isEmpty else { return }
        try await leased { () throws(DepotError) in
            let lacking = Set(try await server.negotiate(deposit, objects.map(ChunkReference.init)))
            try await upload(
                isLacking ? objects : objects.filter { lacking.contains(ChunkReference($0)) })
        }
    }

    private func upload(_ objects: [VerifiedObject]) async throws(DepotError) {
        guard !objects.isEmpty else { return }
        // Large chunks go alone, small ones together.
        let batches = objects.batches(
            sizeMax: WireLimits.batchBytesMax / 4, countMax: WireLimits.batchObjectsMax
        ) { $0.length }
        var next = 0
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                while next < batches.count || !group.isEmpty {
                    if next < batches.count, next < Self.batchesMax {
                        let batch = batches[next]
                        group.addTask { try await send(batch) }
                        next += 1
                        continue
                    }
                    try await group.next()
                    guard next < batches.count else { continue }
                    let batch = batches[next]
                    group.addTask { try await send(batch) }
                    next += 1
                }
            }
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(.unreachable, "given up", cause: error)
        }
    }

    private func send(_ batch: [VerifiedObject]) async throws(DepotError) {
        try await server.upload(deposit, batch)
    }

    /// A lease that ended, because the client slept, is opened again, and the step begins anew.
    /// What else the lease had pinned is found lacking at the next barrier or commit, and is
    /// negotiated then.
    func leased<Value: Sendable>(
        _ step: () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        for _ in 1..<Self.leasesMax {
            do throws(DepotError) {
                return try await step()
            } catch {
                guard error.code == .leaseEnded, !Task.isCancelled else { throw error }
            }
            _ = try await open()
        }
        return try await step()
    }
}
