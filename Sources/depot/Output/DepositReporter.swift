import DepotClient
import DepotCore
import DepotWire
import Synchronization

/// What becomes of the files of a deposit. Receipts and failures are told as they come and kept
/// only where they are asked for: without, nothing grows with the number of files.
final class DepositReporter: Sendable {
    private struct State {
        var totals = Totals()
        /// Of the files with too few copies one with the fewest.
        var worst: ReceiptBody?
        var failed = FailedFiles()
        /// What ended the deposit before its end.
        var ending: DepotError?
        /// Why receipts that were asked for are not where they were to be.
        var unsaved: DepotError?
        var receipts = ByKind<ReceiptBody>()
        /// Names that a mirror has deleted.
        var deletedCount = 0
        var deleted: [FileName] = []
        /// How many, by what they are.
        var skippedCounts: [String: Int] = [:]
        var skipped: [SourceTree.Skipped] = []
        var warnings: [FileWarning] = []
        var countedWarnings = CountedWarnings<DepositWarning>()
    }

    struct Totals: Encodable {
        var entries = EntryCounts()
        @ByteCount var bytes: UInt64 = 0
        @Count var newChunks = 0
        @ByteCount var newBytes: UInt64 = 0
        @ByteCount var sharedBytes: UInt64 = 0
        var degraded = 0
        /// What was in the depot as it is, and was not deposited.
        var unchanged = EntryCounts()
        /// What was deposited though nothing but its content had changed.
        var changedUnseen = 0

        mutating func add(_ receipt: ReceiptBody, _ kind: EntryKind) {
            entries.add(kind)
            bytes += receipt.size
            newChunks += receipt.newChunks
            newBytes += receipt.newBytes
            sharedBytes += receipt.sharedBytes
            degraded += receipt.degraded ? 1 : 0
        }

        private enum CodingKeys: String, CodingKey {
            case newChunks, bytes, newBytes, sharedBytes, degraded, unchanged, changedUnseen
        }

        func encode(to encoder: any Encoder) throws {
            try entries.encode(to: encoder)
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(bytes, forKey: .bytes)
            try values.encode(newChunks, forKey: .newChunks)
            try values.encode(newBytes, forKey: .newBytes)
            try values.encode(sharedBytes, forKey: .sharedBytes)
            try values.encode(degraded, forKey: .degraded)
            try values.encode(unchanged, forKey: .unchanged)
            try values.encode(changedUnseen, forKey: .changedUnseen)
        }
    }

    private struct TreeBody: Encodable {
        let files: [ReceiptBody]
        let folders: [ReceiptBody]
        let links: [ReceiptBody]
        let specials: [ReceiptBody]
        let totals: Totals
        let skipped: [SourceTree.Skipped]
        let warnings: [FileWarning]
        let failed: [FailedFiles.Entry]
        let deleted: [FileName]
        let error: ErrorEnvelope.Body?
    }

    private let state = Mutex(State())
    private let isTree: Bool
    private let keepsReceipts: Bool
    private let output: OutputOptions
    private let progress: Progress

    /// - Parameter keepsReceipts: whether they are to be saved.
    init(isTree: Bool, keepsReceipts: Bool, output: OutputOptions) {
        self.isTree = isTree
        self.keepsReceipts = keepsReceipts || output.json || !isTree
        self.output = output
        progress = Progress("deposit", options: output)
    }

    /// Whether anybody wants to know how much there is.
    var isProgressShown: Bool { progress.isShown }

    /// - Parameter size: bytes of content.
    func expect(_ size: UInt64) { progress.set(total: size) }

    /// What an interruption leaves.
    var left: String {
        progress.end()
        let totals = state.withLock { $0.totals }
        let done = totals.entries.total > 0 ? "\(totals.entries)" : "nothing"
        return "\(done) deposited so far; run the same command again, and only the rest is sent"
    }

    /// Nothing more comes, though not everything was dealt with.
    func end(with error: DepotError) { state.withLock { $0.ending = error } }

    func take(_ problem: SourceTree.Problem) {
        switch problem {
        case .skipped(let skipped):
            let isTold = state.withLock { state in
                state.skippedCounts[skipped.why, default: 0] += 1
                if output.json { state.skipped.append(skipped) }
                return output.verbose || state.skippedCounts[skipped.why] == 1
            }
            guard isTold, !output.json, !output.quiet else { return }
            progress.interrupt("skipped: \(skipped.path): \(skipped.why)")
        case .failed(let name, let error): fail(name, error)
        case .leftOut: break
        }
    }

    func take(_ event: UploadPipeline.Event) {
        switch event {
        case .advanced(let bytes): progress.advance(bytes)
        case .deposited(let receipt, let kind):
            state.withLock { state in
                state.totals.add(receipt, kind)
                if receipt.degraded, receipt.copies < state.worst?.copies ?? .max {
                    state.worst = receipt
                }
                if keepsReceipts { state.receipts.add(receipt, kind) }
            }
        case .unchanged(let kind, let bytes):
            progress.advance(bytes)
            state.withLock { $0.totals.unchanged.add(kind) }
        case .changedUnseen(let name):
            state.withLock { $0.totals.changedUnseen += 1 }
            progress.interrupt(
                "depot: \(name): CHANGED WITHOUT A TRACE: its times, size and inode are as before, its "
                    + "content is not; it is deposited as it is now. Look at the disk and at what "
                    + "writes this file")
        case .warnedOfCache(let problem):
            if !output.quiet { progress.interrupt("note: \(problem)") }
        case .warned(let name, let warning): warn(warning, of: name)
        case .failed(let name, let error): fail(name.text, error)
        }
    }

    /// What a mirror has done about a name that the folder does not have.
    func take(deletionOf name: FileName, _ result: Result<DeletedName, DepotError>) {
        switch result {
        case .success:
            state.withLock { state in
                state.deletedCount += 1
                if output.json { state.deleted.append(name) }
            }
        case .failure(let error): fail(name.text, error)
        }
    }

    /// Whether something of the tree was not deposited, which a mirror must not take for gone.
    var hasFailed: Bool { state.withLock { $0.failed.count > 0 || $0.ending != nil } }

    private func warn(_ warning: DepositWarning, of name: FileName) {
        let told = FileWarning(name: name, warning: warning.description)
        // One file's JSON is its receipt.
        if output.json, isTree { return state.withLock { $0.warnings.append(told) } }
        if state.withLock({ $0.countedWarnings.add(warning) }) {
            progress.interrupt(told.description)
        }
    }

    private func fail(_ name: String, _ error: DepotError) {
        let isTold = state.withLock { $0.failed.add(name, error, output) }
        if isTree, isTold { progress.interrupt("depot: \(error.told(of: name))", .bad) }
    }

    /// Of what was deposited, whatever became of the rest. Where it cannot be written, `finish`
    /// gives it all the same.
    func save(to path: String) {
        let (receipts, ending) = state.withLock { ($0.receipts.all, $0.ending) }
        if receipts.isEmpty, !isTree || ending != nil { return }
        do throws(DepotError) {
            try ReceiptFile.write(receipts, isTree: isTree, to: path)
        } catch {
            state.withLock { $0.unsaved = error }
        }
    }

    /// Writes the result; throws what went wrong.
    func finish() throws(DepotError) {
        progress.end()
        let state = state.withLock { $0 }
        let total =
            state.totals.entries.total + state.totals.unchanged.total + state.failed.count
        state.countedWarnings.tell()
        guard isTree, total > 0 || state.ending == nil else {
            if let error = state.ending ?? state.failed.first?.error { throw error }
            guard let receipt = state.receipts.files.first else {
                throw DepotError(.internalError, "no receipt came")
            }
            show(receipt)
            return try give(state)
        }
        show(state)
        let error = state.ending ?? state.failed.summary(outOf: total, "deposited", output)
        if let error, output.json { Failure.end(ErrorTable.row(for: error.code).exitCode) }
        try give(state)
        if let error { throw error }
    }

    /// Receipts that could not be saved: without them nobody can prove what was promised.
    private func give(_ state: State) throws(DepotError) {
        guard let unsaved = state.unsaved, let first = state.receipts.all.first
        else { return }
        let count = state.receipts.all.count
        let what =
            count == 1
            ? "\(first.name) was deposited all the same, with sequence \(first.sequence)"
            : "\(count) files were deposited all the same"
        let error = DepotError(
            unsaved.code,
            "the receipt \(unsaved.message); \(what). Its text is on standard output",
            object: unsaved.object)
        guard !output.json else {
            // The result, which stands there already, consists of the receipts.
            Output.complain(error.description)
            Failure.end(ErrorTable.row(for: error.code).exitCode)
        }
        if isTree { Output.json(state.receipts.all) } else { Output.json(first) }
        throw error
    }

    private func show(_ receipt: ReceiptBody) {
        if output.json { return Output.json(receipt) }
        guard !output.quiet else { return }
        let novelty = Self.novelty(
            receipt.newBytes, shared: receipt.sharedBytes, chunks: receipt.newChunks)
        Output.line(
            "\(receipt.name)  \(ByteCount(receipt.size))  "
                + "\(Output.plural(receipt.copies, "copy", many: "copies"))  \(novelty)")
        Output.line("manifest \(receipt.manifest)")
        if receipt.degraded { Output.line(Self.degraded(receipt.copies, receipt.level)) }
    }

    private func show(_ state: State) {
        let totals = state.totals
        if output.json {
            return Output.json(
                TreeBody(
                    files: state.receipts.files, folders: state.receipts.folders,
                    links: state.receipts.links, specials: state.receipts.specials,
                    totals: totals, skipped: state.skipped,
                    warnings: state.warnings, failed: state.failed.sorted,
                    deleted: state.deleted.sorted(),
                    error: state.ending.map { ErrorEnvelope($0).error }
                )
            )
        }
        guard !output.quiet else { return }
        Output.line(
            "\(totals.entries)  \(ByteCount(totals.bytes))  "
                + Self.novelty(
                    totals.newBytes, shared: totals.sharedBytes, chunks: totals.newChunks)
                + (totals.unchanged.total > 0 ? "  unchanged: \(totals.unchanged)" : "")
                + Self.leftOut(state.skippedCounts)
                + (state.deletedCount > 0 ? "  deleted: \(state.deletedCount)" : ""))
        if let worst = state.worst {
            Output.line(
                "\(Output.plural(totals.degraded, "file")) "
                    + "\(Self.degraded(worst.copies, worst.level))")
        }
    }

    private static func leftOut(_ counts: [String: Int]) -> String {
        guard !counts.isEmpty else { return "" }
        let kinds = counts.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        return "  left out: \(kinds.joined(separator: ", "))"
    }

    private static func novelty(_ new: UInt64, shared: UInt64, chunks: Int) -> String {
        if new == 0 { return "nothing new: all of it was there" }
        let brought = "new: \(ByteCount(new)) in \(Output.plural(chunks, "chunk"))"
        return shared == 0 ? brought : "\(brought), shared: \(ByteCount(shared))"
    }

    private static func degraded(_ copies: Int, _ level: ReplicationLevel) -> String {
        "DEGRADED: \(copies) of \(level) copies, because too few replicas are up; "
            + "when they are, change-replication to \(level) makes the rest"
    }
}
