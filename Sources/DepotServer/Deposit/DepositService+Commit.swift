import DepotCluster
import DepotCore
import DepotWire

extension DepositService {
    /// What becomes of one file of a commit.
    fileprivate enum Outcome {
        case failed(DepotError)
        case lacking([ChunkReference])
        case overtaken
        case committed(Receipt, RecordBatch?)
    }

    /// Publishes files, each atomically. A receipt is given only when its record is durable on a
    /// majority of the replicas that are to keep it.
    ///
    /// - Parameters:
    ///   - expected: what each of the names has to be like, beside what the files say.
    ///   - makesDurable: whether files of one chunk come without a barrier before.
    ///   - reach: of whoever asks. The names are within it.
    /// - Returns: for each file, in order, its receipt, what lacks copies, or its error.
    /// - Throws: what concerns the whole request.
    func commit(
        _ deposit: DepositID, _ files: [CommitBody.File],
        expecting expected: FileExpectation = .anything, makingDurable makesDurable: Bool = false,
        within reach: NameReach
    ) async throws(DepotError) -> [CommitAnswerBody.Result] {
        let terms = try await termsForCommit(of: deposit, files)
        let word =
            makesDurable
            ? try await word(for: files, in: deposit, under: terms, within: reach) : nil
        var outcomes: [Int: Outcome] = [:]
        var staged: [(index: Int, file: FileCommit)] = []
        var hidden = try await hidden(files.map(\.manifest), of: deposit, from: reach)
        let read = try await manifests.read(
            files.map(\.manifest).filter { hidden[$0.id] == nil })
        hidden.merge(try await hiddenPieces(of: read, deposit: deposit, from: reach)) { $1 }
        let results = try await stage(files, read: read, hiding: hidden, in: deposit)
        for (index, (file, result)) in zip(files, results).enumerated() {
            if case .ready(let commit) = result {
                staged.append((index, commit))
            } else if let again = try await repeated(file, deposit) {
                staged.append((index, again))
            } else {
                outcomes[index] = try await outcome(of: result, file, read: read, in: deposit)
            }
        }
        let empty = try await gate(&staged, of: deposit, under: terms, &outcomes)
        if expected != .anything {
            for index in staged.indices { staged[index].file.expected = expected }
        }
        for (index, outcome) in try await publish(
            staged, of: deposit, under: terms, word, within: reach)
        {
            outcomes[index] = outcome
        }
        return try await acknowledge(
            files.indices.map { (files[$0].name, outcomes[$0]) }, empty: empty, terms)
    }

    /// The barrier of files of one chunk. What was committed before has its receipts without it,
    /// whoever is up.
    private func word(
        for files: [CommitBody.File], in deposit: DepositID, under terms: DepositSessions.Terms,
        within reach: NameReach
    ) async throws(DepotError) -> BarrierWord? {
        let chunks = Array(Set(files.compactMap(\.manifest.chunk)))
        guard !chunks.isEmpty else { return nil }
        do throws(DepotError) {
            return try await word(for: chunks, of: deposit, under: terms, within: reach)
        } catch {
            for file in files where try await repeated(file, deposit) == nil { throw error }
            return nil
        }
    }

    /// Of an empty file, which is its record and nothing else, no copy can lack: whether enough
    /// replicas take its record is asked before it replaces anything. One that this deposit has
    /// committed before has its receipt.
    ///
    /// - Returns: those that are to be committed for the first time.
    private func gate(
        _ staged: inout [(index: Int, file: FileCommit)], of deposit: DepositID,
        under terms: DepositSessions.Terms, _ outcomes: inout [Int: Outcome]
    ) async throws(DepotError) -> Set<Int> {
        let up = pool.accepting.count
        let needed = max(
            Self.required(under: terms), min(terms.level.recordCopies, pool.size) / 2 + 1)
        var new: Set<Int> = []
        for index in staged.indices where staged[index].file.manifest == .empty {
            staged[index].file.reachable = up
            let name = staged[index].file.name
            if try await catalog.receipt(of: name, deposit: deposit) != nil { continue }
            new.insert(staged[index].index)
            if new.count == 1 { try await pool.requireMajority() }
            guard up < needed else { continue }
            let problem = pool.notEnough(
                "\(needed) replicas have to take the record of an empty file, \(up) are up")
            outcomes[staged[index].index] = .failed(
                terms.requireAll == nil ? Self.wishUnknown(terms) : problem)
        }
        staged.removeAll { outcomes[$0.index] != nil }
        return new
    }

    /// A deposit whose lease is over may still ask for its receipts.
    private func termsForCommit(
        of deposit: DepositID, _ files: [CommitBody.File]
    ) async throws(DepotError) -> DepositSessions.Terms {
        do throws(DepotError) {
            return try await terms(of: deposit)
        } catch  where error.code == .leaseEnded {
            guard let file = files.first,
                let receipt = try await catalog.receipt(of: file.name, deposit: deposit)
            else { throw error }
            return DepositSessions.Terms(level: receipt.level, requireAll: nil)
        }
    }

    /// What was committed before gets its receipt again, though its content may be replaced and
    /// collected by now.
    private func repeated(
        _ file: CommitBody.File, _ deposit: DepositID
    ) async throws(DepotError) -> FileCommit? {
        guard let receipt = try await catalog.receipt(of: file.name, deposit: deposit),
            receipt.manifest.id == file.manifest.id
        else { return nil }
        return FileCommit(
            name: file.name, manifest: file.manifest, size: file.size, metadata: file.metadata,
            chunks: receipt.chunks)
    }

    private func outcome(
        of staged: Staged, _ file: CommitBody.File,
        read: [ChunkID: Result<ManifestOutline, DepotError>], in deposit: DepositID
    ) async throws(DepotError) -> Outcome {
        let error: DepotError
        switch staged {
        case .ready(let commit):
            throw DepotError(.internalError, "it is ready", object: commit.name.text)
        case .lacking(let chunks): return .lacking(chunks)
        case .failed(let failure): error = failure
        }
        guard [.noGoodCopy, .unreachable].contains(error.code) else { return .failed(error) }
        do throws(DepotError) {
            // Where the lease is over, sending again helps nobody.
            _ = try await catalog.depositLevel(deposit)
        } catch {
            return .failed(error)
        }
        return .lacking([Self.named(by: error, of: file, read)])
    }

    /// The manifest, or the piece of it, that could not be read.
    private static func named(
        by error: DepotError, of file: CommitBody.File,
        _ read: [ChunkID: Result<ManifestOutline, DepotError>]
    ) -> ChunkReference {
        guard case .success(let outline) = read[file.manifest.id] else { return file.manifest.text }
        return outline.pieces.first { $0.id.hex == error.object } ?? file.manifest.text
    }

    /// Commits files together with the word of replicas. Where that was overtaken, or one of the
    /// files is refused, a barrier comes first, and then the files.
    private func publish(
        _ staged: [(index: Int, file: FileCommit)], of deposit: DepositID,
        under terms: DepositSessions.Terms, _ word: BarrierWord?, within reach: NameReach
    ) async throws(DepotError) -> [(Int, Outcome)] {
        guard let word, !staged.isEmpty else {
            return try await publish(staged, of: deposit, under: terms)
        }
        // All of them have enough copies, or there were no word.
        let chunks = Array(word.proof.durable.keys)
        do throws(DepotError) {
            let committed = try await publish(staged, of: deposit, under: terms, hearing: word)
            sessions.settled(chunks, of: deposit)
            return committed
        } catch  where error.code == .notFound || Self.concernsOneFile(error) {
            _ = try await barrier(deposit, chunks, within: reach)
            return try await publish(staged, of: deposit, under: terms)
        }
    }

    private func publish(
        _ staged: [(index: Int, file: FileCommit)], of deposit: DepositID,
        under terms: DepositSessions.Terms, hearing word: BarrierWord?
    ) async throws(DepotError) -> [(Int, Outcome)] {
        let outcomes = try await catalog.commit(
            staged.map(\.file), deposit: deposit, copiesRequired: Self.required(under: terms),
            time: context.clock.timestamp(), hearing: word)
        return zip(staged, outcomes).map { ($0.index, Outcome($1)) }
    }

    private func publish(
        _ staged: [(index: Int, file: FileCommit)], of deposit: DepositID,
        under terms: DepositSessions.Terms
    ) async throws(DepotError) -> [(Int, Outcome)] {
        guard !staged.isEmpty else { return [] }
        do throws(DepotError) {
            return try await publish(staged, of: deposit, under: terms, hearing: nil)
        } catch  where staged.count > 1 && Self.concernsOneFile(error) {
            // The others stay together, as far as that goes.
            let middle = staged.count / 2
            let first = try await publish(Array(staged[..<middle]), of: deposit, under: terms)
            return first
                + (try await publish(Array(staged[middle...]), of: deposit, under: terms))
        } catch  where Self.concernsOneFile(error) {
            return [(staged[0].index, .failed(error))]
        }
    }

    /// Where the client's wish is not known any more, only what fulfils both wishes may be
    /// committed.
    private static func required(under terms: DepositSessions.Terms) -> Int {
        terms.requireAll == false ? terms.level.majority : terms.level.copies
    }

    private static func concernsOneFile(_ error: DepotError) -> Bool {
        switch error.code {
        case .conflict, .manifestInvalid, .invalidArgument: true
        default: false
        }
    }

    private func acknowledge(
        _ ended: [(name: FileName, outcome: Outcome?)], empty: Set<Int>,
        _ terms: DepositSessions.Terms
    ) async throws(DepotError) -> [CommitAnswerBody.Result] {
        let outcomes = ended.map(\.outcome)
        // Files of one commit share batches.
        var seen: Set<ChunkID> = []
        let batches = outcomes.compactMap { outcome -> RecordBatch? in
            guard case .committed(_, let batch?) = outcome else { return nil }
            return seen.insert(batch.id).inserted ? batch : nil
        }
        let made = try await deliverer.deliver(batches)
        let deliveries = Dictionary(zip(batches.map(\.id), made)) { first, _ in first }
        let known = await known(outcomes)
        var results: [CommitAnswerBody.Result] = []
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .committed(let receipt, nil):
                results.append(Self.result(receipt, known[receipt.sequence], under: terms))
            case .committed(let receipt, let batch?):
                let delivery = deliveries[batch.id]
                var receipt = receipt
                if empty.contains(index), let delivery, delivery.copies < receipt.copies {
                    receipt = try await catalog.lower(receipt, to: delivery.copies)
                }
                results.append(Self.result(receipt, delivery, under: terms))
            case .lacking(let chunks): results.append(try lacking(chunks, terms))
            case .overtaken:
                results.append(.init(error: Self.overtaken(ended[index].name)))
            case .failed(let error): results.append(.init(error: error))
            case nil:
                results.append(.init(error: DepotError(.internalError, "a file was left out")))
            }
        }
        return results
    }

    /// How far commits got that were made before, and whose records need not be sent.
    private func known(
        _ outcomes: [Outcome?]
    ) async -> [CommitSequence: RecordDeliverer.Delivery] {
        let receipts = outcomes.compactMap { outcome -> Receipt? in
            if case .committed(let receipt, nil) = outcome { receipt } else { nil }
        }
        let known = await deliverer.known(receipts)
        return Dictionary(zip(receipts.map(\.sequence), known)) { first, _ in first }
    }

    private static func result(
        _ receipt: Receipt, _ delivery: RecordDeliverer.Delivery?,
        under terms: DepositSessions.Terms
    ) -> CommitAnswerBody.Result {
        do throws(DepotError) {
            try delivery?.require(all: terms.requireAll != false, of: receipt.name)
            return .init(receipt: ReceiptBody(receipt))
        } catch {
            return .init(error: terms.requireAll == nil ? wishUnknown(terms) : error)
        }
    }

    private static func overtaken(_ name: FileName) -> DepotError {
        DepotError(
            .conflict, "the name has another version than was expected; nothing was changed",
            object: name.text)
    }

    private static func wishUnknown(_ terms: DepositSessions.Terms) -> DepotError {
        DepotError(
            .leaseEnded,
            "the FileServer was restarted, and does not know whether fewer than \(terms.level) "
                + "copies will do; open the deposit again, with the same id")
    }

    private func lacking(
        _ chunks: [ChunkReference], _ terms: DepositSessions.Terms
    ) throws(DepotError) -> CommitAnswerBody.Result {
        // Sending again would not help: too few replicas are up for what may have been asked for.
        if terms.requireAll == nil, pool.accepting.count < terms.level.copies {
            return .init(error: Self.wishUnknown(terms))
        }
        return .init(lacking: Array(chunks.prefix(WireLimits.listEntriesMax / 4)))
    }
}

extension DepositService.Outcome {
    fileprivate init(_ outcome: CommitOutcome) {
        switch outcome {
        case .committed(let receipt, let batch): self = .committed(receipt, batch)
        case .lacking(let chunks): self = .lacking(chunks)
        case .overtaken: self = .overtaken
        }
    }
}
