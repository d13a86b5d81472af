import DepotCore
import DepotWire
import NIOCore

// What a barrier finds lacking is read again and sent again.

extension UploadPipeline {
    /// A chunk that is lacking after so many tries is not going to be held.
    private static let roundsMax = 4

    /// Settles what was sent.
    ///
    /// - Parameter before: what the lot before has left.
    func settled(
        _ groups: [UploadGroup], _ before: PendingChunks
    ) async -> Result<PendingChunks, DepotError> {
        var pending = before
        for group in groups {
            for (file, error) in group.failures {
                fail(file, error, &pending)
            }
            pending.add(group)
        }
        do throws(DepotError) {
            try await settle(&pending)
            return .success(pending)
        } catch {
            return .failure(error)
        }
    }

    private func fail(
        _ file: SourceFile, _ error: DepotError, _ pending: inout PendingChunks
    ) {
        if pending.giveUp(file.index) { onEvent(.failed(file.name, error)) }
    }

    /// Makes durable what is pending, and commits the files that are whole.
    private func settle(_ pending: inout PendingChunks) async throws(DepotError) {
        guard !pending.isEmpty else { return pending.settled() }
        var lacking = try await barrier(pending.references)
        for round in 1... {
            if !lacking.isEmpty {
                let again = try await resend(lacking, &pending)
                lacking = again.isEmpty ? [] : try await barrier(again)
            }
            if lacking.isEmpty { lacking = try await commit(&pending) }
            if lacking.isEmpty { break }
            guard round < Self.roundsMax else {
                throw DepotError(
                    .notEnoughReplicas,
                    "too few replicas hold it after \(round) tries; \(lacking.count) chunks in all. What was "
                        + "sent is not lost: run it again when more replicas are up",
                    object: lacking.first?.id.hex)
            }
        }
        pending.settled()
    }

    private func barrier(
        _ references: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        try await leased { () throws(DepotError) in try await door.barrier(deposit, references) }
    }

    /// - Returns: what is lacking; files that are done with are taken out.
    private func commit(
        _ pending: inout PendingChunks
    ) async throws(DepotError) -> [ChunkReference] {
        let pages = pending.pages
        // At once: while one page is made durable, another is prepared. A lot has two of them, seldom more.
        let answers = await withTaskGroup(
            of: (Int, Result<[CommitAnswerBody.Result], DepotError>).self
        ) { tasks in
            for (number, page) in pages.enumerated() {
                tasks.addTask { (number, await commit(page)) }
            }
            return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var lacking: Set<ChunkReference> = []
        var failure: DepotError?
        for (number, page) in pages.enumerated() {
            switch answers[number] {
            case .success(let results): take(results, of: page, &pending, &lacking)
            case .failure(let error): failure = failure ?? error
            case nil: break
            }
        }
        // What the other pages came to is told before.
        if let failure { throw failure }
        return Array(lacking)
    }

    private func commit(
        _ page: [PreparedFile]
    ) async -> Result<[CommitAnswerBody.Result], DepotError> {
        do throws(DepotError) {
            return .success(
                try await leased { () throws(DepotError) in
                    try await door.commit(deposit, page.map(\.commit))
                })
        } catch {
            return .failure(error)
        }
    }

    private func take(
        _ results: [CommitAnswerBody.Result], of page: [PreparedFile],
        _ pending: inout PendingChunks, _ lacking: inout Set<ChunkReference>
    ) {
        var finished: Set<Int> = []
        for (prepared, result) in zip(page, results) {
            if let receipt = result.receipt {
                finished.insert(prepared.file.index)
                onEvent(.deposited(receipt))
            } else if let error = result.error {
                let error = DepotError(error.code, error.message, object: error.object)
                fail(prepared.file, error, &pending)
            } else if let lost = result.lacking?.first(where: { !pending.knows($0) }) {
                fail(prepared.file, Self.lost(lost), &pending)
            } else {
                lacking.formUnion(result.lacking ?? [])
            }
        }
        pending.finish(finished)
    }

    private static func lost(_ chunk: ChunkReference) -> DepotError {
        DepotError(
            .notEnoughReplicas,
            "a chunk of it was lost after it had been confirmed; run the deposit again",
            object: chunk.id.hex)
    }

    /// - Returns: what was sent. A file that is not any more what was read of it is given up.
    private func resend(
        _ lacking: [ChunkReference], _ pending: inout PendingChunks
    ) async throws(DepotError) -> [ChunkReference] {
        var sent: [ChunkReference] = []
        var batch: [VerifiedObject] = []
        var bytes = 0
        for reference in lacking {
            guard let object = try await again(reference, &pending) else { continue }
            sent.append(reference)
            batch.append(object)
            bytes += reference.length
            if bytes >= GroupMaker.bytesMax {
                try await upload(batch)
                (batch, bytes) = ([], 0)
            }
        }
        try await upload(batch)
        return sent
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
                fail(chunk.file, error, &pending)
            }
        }
        return nil
    }

    private func again(_ chunk: PreparedChunk) async throws(DepotError) -> VerifiedObject {
        switch chunk.origin {
        case .memory(let object): return object
        case .file(let path, let offset):
            let object = VerifiedObject(
                hashing: try await threads.blocking { () throws(DepotError) in
                    try SourceReader.readAgain(path, at: offset, count: chunk.reference.length)
                })
            guard object.id.hash == chunk.reference.id else { throw SourceReader.changed(path) }
            return object
        }
    }
}
