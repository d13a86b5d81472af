import DepotClient
import DepotCore
import DepotWire
import Glibc
import Synchronization

/// What becomes of the files of a deposit. Receipts and failures are told as they come and kept only where they are
/// asked for: without, nothing grows with the number of files.
final class DepositTally: Sendable {
    private struct State {
        var totals = Totals()
        /// Of the files with too few copies one with the fewest.
        var worst: ReceiptBody?
        var failed = FailedFiles()
        /// What ended the deposit before its end.
        var ending: DepotError?
        var receipts: [ReceiptBody] = []
        var skipped: [SourceTree.Skipped] = []
    }

    struct Totals: Codable {
        var files = 0
        var bytes: UInt64 = 0
        var newChunks = 0
        var newBytes: UInt64 = 0
        var sharedBytes: UInt64 = 0
        var degraded = 0

        mutating func add(_ receipt: ReceiptBody) {
            files += 1
            bytes += receipt.size
            newChunks += receipt.newChunks
            newBytes += receipt.newBytes
            sharedBytes += receipt.sharedBytes
            degraded += receipt.degraded ? 1 : 0
        }
    }

    private struct TreeBody: Encodable {
        let files: [ReceiptBody]
        let totals: Totals
        let skipped: [SourceTree.Skipped]
        let failed: [FailedFiles.Entry]
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
        progress = Progress("deposit", total: nil, options: output)
    }

    /// Whether anybody wants to know how much there is.
    var isProgressShown: Bool { progress.isShown }

    /// - Parameter size: bytes of content.
    func expect(_ size: UInt64) { progress.set(total: size) }

    /// Nothing more comes, though not everything was dealt with.
    func end(with error: DepotError) { state.withLock { $0.ending = error } }

    func take(_ problem: SourceTree.Problem) {
        switch problem {
        case .skipped(let skipped):
            if output.json { return state.withLock { $0.skipped.append(skipped) } }
            guard !output.quiet else { return }
            progress.interrupt("skipped: \(skipped.path): \(skipped.why)")
        case .failed(let name, let error): fail(name, error)
        }
    }

    func take(_ event: UploadPipeline.Event) {
        switch event {
        case .advanced(let bytes): progress.advance(bytes)
        case .deposited(let receipt):
            state.withLock { state in
                state.totals.add(receipt)
                if receipt.degraded, receipt.copies < state.worst?.copies ?? .max {
                    state.worst = receipt
                }
                if keepsReceipts { state.receipts.append(receipt) }
            }
        case .failed(let name, let error): fail(name.text, error)
        }
    }

    private func fail(_ name: String, _ error: DepotError) {
        state.withLock { $0.failed.add(name, error, keeps: output.json) }
        if isTree, !output.json { progress.interrupt("depot: \(name): \(error)") }
    }

    /// Of what was deposited, whatever became of the rest.
    func save(to path: String) throws(DepotError) {
        let (receipts, ending) = state.withLock { ($0.receipts, $0.ending) }
        if receipts.isEmpty, !isTree || ending != nil { return }
        try ReceiptFile.write(receipts, isTree: isTree, to: path)
    }

    /// Writes the result; throws what went wrong.
    func finish() throws(DepotError) {
        progress.end()
        let state = state.withLock { $0 }
        let total = state.totals.files + state.failed.count
        guard isTree, total > 0 || state.ending == nil else {
            if let error = state.ending ?? state.failed.first?.error { throw error }
            guard let receipt = state.receipts.first else {
                throw DepotError(.internalError, "no receipt came")
            }
            return show(receipt)
        }
        show(state)
        guard let error = state.ending ?? state.failed.summary(outOf: total, "deposited") else {
            return
        }
        if output.json { Glibc.exit(ErrorTable.row(for: error.code).exitCode) }
        throw error
    }

    private func show(_ receipt: ReceiptBody) {
        if output.json { return Output.json(receipt) }
        guard !output.quiet else { return }
        Output.line(
            "\(receipt.name)  \(ByteCount(receipt.size))  \(Output.plural(receipt.copies, "copy", "copies"))"
                + "  \(Self.novelty(receipt.newBytes, receipt.sharedBytes, receipt.newChunks))")
        Output.line("manifest \(receipt.manifest)")
        if receipt.degraded { Output.line(Self.degraded(receipt.copies, receipt.level)) }
    }

    private func show(_ state: State) {
        let totals = state.totals
        if output.json {
            return Output.json(
                TreeBody(
                    files: state.receipts, totals: totals, skipped: state.skipped,
                    failed: state.failed.sorted, error: state.ending.map { ErrorEnvelope($0).error }
                )
            )
        }
        guard !output.quiet else { return }
        Output.line(
            "\(Output.plural(totals.files, "file"))  \(ByteCount(totals.bytes))  "
                + Self.novelty(totals.newBytes, totals.sharedBytes, totals.newChunks))
        if let worst = state.worst {
            Output.line(
                "\(Output.plural(totals.degraded, "file")) \(Self.degraded(worst.copies, worst.level))"
            )
        }
    }

    private static func novelty(_ new: UInt64, _ shared: UInt64, _ chunks: Int) -> String {
        if new == 0 { return "nothing new: all of it was there" }
        let brought = "new: \(ByteCount(new)) in \(Output.plural(chunks, "chunk"))"
        return shared == 0 ? brought : "\(brought), shared: \(ByteCount(shared))"
    }

    private static func degraded(_ copies: Int, _ level: ReplicationLevel) -> String {
        "DEGRADED: \(copies) of \(level) copies, because too few replicas are up; "
            + "when they are, change-replication to \(level) makes the rest"
    }
}
