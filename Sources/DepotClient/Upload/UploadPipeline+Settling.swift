import DepotCore
import DepotWire
import NIOCore

// What a barrier finds lacking is read again and sent again.

extension UploadPipeline {
    /// Settles what was sent.
    ///
    /// - Parameter before: what the settlement before has left.
    func settled(
        _ groups: [UploadGroup], _ before: PendingChunks
    ) async -> Result<PendingChunks, DepotError> {
        var pending = before
        for group in groups {
            for (file, error) in group.failures {
                fail(file, error, in: &pending)
            }
            pending.add(group)
        }
        let result: Result<PendingChunks, DepotError>
        do throws(DepotError) {
            try await settle(&pending)
            result = .success(pending)
        } catch {
            result = .failure(error)
        }
        // Whatever became of the others; lost entries cost time alone.
        try? await threads.blocking { [cache] in cache.write() }
        return result
    }

    private func fail(
        _ file: SourceFile, _ error: DepotError, in pending: inout PendingChunks
    ) {
        if pending.giveUp(file.index) { onEvent(.failed(file.name, error)) }
    }

    /// Makes durable what is pending, and commits the files that are whole. What a file of one
    /// chunk consists of becomes durable with its commit.
    private func settle(_ pending: inout PendingChunks) async throws(DepotError) {
        guard !pending.isEmpty else { return pending.settled() }
        let references = pending.references
        var lacking = references.isEmpty ? [] : try await barrier(references)
        var rounds = SettlingRounds()
        while true {
            if !lacking.isEmpty {
                let again = try await resend(lacking, &pending, isRepeated: rounds.tries > 1)
                lacking = again.isEmpty ? [] : try await barrier(again)
            }
            if lacking.isEmpty { lacking = try await commit(&pending) }
            if lacking.isEmpty { break }
            guard rounds.goOn(with: lacking) else {
                throw DepotError(
                    .notEnoughReplicas,
                    "too few replicas hold it after \(rounds.tries) tries; \(lacking.count) chunks "
                        + "in all. What was sent is not lost: run it again when more replicas "
                        + "are up",
                    object: lacking.first?.id.hex)
            }
        }
        pending.settled()
    }

    /// - Returns: what is lacking: all of it where the lease has ended, and nothing is promised any
    ///   more.
    private func barrier(
        _ references: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        do throws(DepotError) {
            return try await server.barrier(deposit, references)
        } catch {
            guard error.code == .leaseEnded else { throw error }
            return references
        }
    }

    /// - Returns: what is lacking; files that are done with are taken out.
    private func commit(
        _ pending: inout PendingChunks
    ) async throws(DepotError) -> [ChunkReference] {
        let batches = pending.commits
        pending.forgetLacking()
        // At once: while one batch is made durable, another is prepared. There are two of them,
        // seldom more.
        let answers = await withTaskGroup(
            of: (Int, Result<[CommitAnswerBody.Result], DepotError>).self
        ) { tasks in
            for (number, batch) in batches.enumerated() {
                tasks.addTask { (number, await commit(batch)) }
            }
            return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var lacking: Set<ChunkReference> = []
        var failure: DepotError?
        for (number, batch) in batches.enumerated() {
            switch answers[number] {
            case .success(let results): take(results, of: batch, in: &pending, &lacking)
            case .failure(let error): failure = failure ?? error
            case nil: break
            }
        }
        // What the other batches came to is told before.
        if let failure { throw failure }
        return Array(lacking)
    }

    private func commit(
        _ batch: [PreparedFile]
    ) async -> Result<[CommitAnswerBody.Result], DepotError> {
        do throws(DepotError) {
            return .success(
                try await leased { () throws(DepotError) in
                    let results = try await server.commit(deposit, batch.map(\.commit))
                    // Said of one of them, as a FileServer does that was started again meanwhile,
                    // it holds for all.
                    let ended = results.lazy.compactMap(\.error).first { $0.code == .leaseEnded }
                    if let ended { throw ended.depotError }
                    return results
                })
        } catch {
            return .failure(error)
        }
    }

    private func take(
        _ results: [CommitAnswerBody.Result], of batch: [PreparedFile],
        in pending: inout PendingChunks, _ lacking: inout Set<ChunkReference>
    ) {
        var finished: Set<Int> = []
        for (prepared, result) in zip(batch, results) {
            if let receipt = result.receipt {
                finished.insert(prepared.file.index)
                remember(prepared, receipt)
                onEvent(.deposited(receipt, prepared.commit.metadata.kind))
            } else if let error = result.error {
                let error = DepotError(error.code, error.message, object: error.object)
                fail(prepared.file, error, in: &pending)
            } else {
                for chunk in result.lacking ?? [] {
                    pending.note(chunk, of: prepared.file)
                    lacking.insert(chunk)
                }
            }
        }
        pending.finish(finished)
    }

    /// A file that has too few copies is read the next time: what is lacking then is sent.
    private func remember(_ prepared: PreparedFile, _ receipt: ReceiptBody) {
        guard let entry = prepared.remembered, !receipt.degraded,
            receipt.name == prepared.file.name, receipt.manifest == entry.manifest
        else { return }
        cache.remember(prepared.file.name, entry)
    }

    private static func lost(_ chunk: ChunkReference) -> DepotError {
        DepotError(
            .notEnoughReplicas,
            "a chunk of it was lost after it had been confirmed; run the deposit again",
            object: chunk.id.hex)
    }

    /// Has chunks promised again, and sends those of them that are not there. After a lease that
    /// ended most are: they need not be read again, and those of a stream cannot be.
    ///
    /// - Parameter isRepeated: some of them were lacking before, whatever was promised: all are
    ///   sent.
    /// - Returns: what a barrier is to be asked for. A file that is not any more what was read of
    ///   it is given up.
    private func resend(
        _ lacking: [ChunkReference], _ pending: inout PendingChunks, isRepeated: Bool
    ) async throws(DepotError) -> [ChunkReference] {
        let missing = Set(
            try await leased { () throws(DepotError) in try await server.negotiate(deposit, lacking)
            }
        )
        var promised: [ChunkReference] = []
        var batch: [VerifiedObject] = []
        var bytes = 0
        for reference in lacking {
            let isMissing = missing.contains(reference)
            if isMissing || isRepeated && pending.knows(reference) {
                guard let object = try await again(reference, &pending) else { continue }
                batch.append(object)
                bytes += reference.length
            }
            promised.append(reference)
            if bytes >= GroupMaker.bytesMax {
                try await deliver(batch, isLacking: true)
                (batch, bytes) = ([], 0)
            }
        }
        try await deliver(batch, isLacking: true)
        return promised
    }

    /// - Returns: a chunk that can be sent again; `nil` where no file needs it any more.
    private func again(
        _ reference: ChunkReference, _ pending: inout PendingChunks
    ) async throws(DepotError) -> VerifiedObject? {
        while let chunk = pending.origin(of: reference) {
            do throws(DepotError) {
                return try await again(chunk)
            } catch {
                guard error.code != .unreachable else { throw error }
                fail(chunk.file, error, in: &pending)
            }
        }
        for file in pending.files(lacking: reference) {
            fail(file, Self.lost(reference), in: &pending)
        }
        return nil
    }

    private func again(_ chunk: PreparedChunk) async throws(DepotError) -> VerifiedObject {
        switch chunk.origin {
        case .memory(let object): return object
        case .file(let place, let offset):
            let object = VerifiedObject(
                hashing: try await threads.blocking { () throws(DepotError) in
                    try SourceReader.readAgain(place, at: offset, count: chunk.reference.length)
                })
            guard object.id.hash == chunk.reference.id else { throw place.changed }
            return object
        }
    }
}
