import ArgumentParser
import DepotClient
import DepotCore
import DepotWire
import Glibc
import Synchronization

struct Deposit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deposit a file or, with -r, a folder.",
        discussion: """
            Returns when as many copies are durable as the output says. With -r, names are the paths below the \
            folder, behind NAME/ where --as NAME is given. Symbolic links are told about and skipped.
            """)

    @Argument(
        help: ArgumentHelp("The file; - is standard input, which needs --as.", valueName: "path"))
    var path: String

    @Argument(help: ArgumentHelp("Copies on as many replicas.", valueName: "n"))
    var copies = 3

    @Option(name: .customLong("as"), help: "The name to deposit under; the file's own otherwise.")
    var name: String?

    @Flag(name: .shortAndLong, help: "Deposit the folder with everything below it.")
    var recursive = false

    @Flag(help: "Refuse rather than make fewer copies than N at first.")
    var requireAll = false

    @Option(help: "The deposit's id: the same id again gives the same receipts.")
    var depositID: String?

    @Option(
        help: ArgumentHelp(
            "Save the receipt as JSON, to be proved by verify --receipt; with -r an array of them.",
            valueName: "file"))
    var receipt: String?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let level = try ReplicationLevel(copies)
        let deposit = try parseDepositID()
        let client = try options.client()
        let tree = try gather()
        let tally = DepositTally(tree, isTree: recursive, output: options.output)
        let threads = HashingThreads()
        let pipeline = UploadPipeline(
            door: client, threads: threads, deposit: deposit, level: level, requireAll: requireAll,
            onEvent: { tally.take($0) })
        try await Interruption.guarding { () async throws(DepotError) in
            try await pipeline.run(tree.sources)
        }
        client.shutDown()
        await threads.shutDown()
        if let receipt { try tally.save(to: receipt) }
        try tally.finish()
    }

    private func parseDepositID() throws(DepotError) -> DepositID {
        guard let depositID else { return .random() }
        guard let id = DepositID(depositID) else {
            throw DepotError(.invalidArgument, "a deposit id is a UUID", object: depositID)
        }
        return id
    }

    private func gather() throws(DepotError) -> SourceTree {
        if path == "-" {
            guard let name, !recursive else {
                throw DepotError(
                    .invalidArgument, "standard input needs a name: give --as NAME (and not -r)")
            }
            let source = UploadSource(
                name: try FileName(name), origin: .stream(descriptor: STDIN_FILENO))
            return SourceTree(sources: [source], bytes: nil)
        }
        if recursive { return try SourceTree(walking: path, prefix: name) }
        return try SourceTree(file: path, name: name)
    }
}

/// What becomes of the files of a deposit.
private final class DepositTally: Sendable {
    private struct State {
        var receipts: [ReceiptBody] = []
        var failures: [(name: String, error: DepotError)] = []
    }

    private let state: Mutex<State>
    private let isTree: Bool
    private let output: OutputOptions
    private let progress: Progress
    private let skipped: [SourceTree.Skipped]

    init(_ tree: SourceTree, isTree: Bool, output: OutputOptions) {
        self.isTree = isTree
        self.output = output
        skipped = tree.skipped
        state = Mutex(State(failures: tree.failures))
        progress = Progress("deposit", total: tree.bytes, options: output)
        if !output.quiet, !output.json {
            for skip in tree.skipped { Output.note("skipped: \(skip.path): \(skip.why)") }
        }
    }

    func take(_ event: UploadPipeline.Event) {
        switch event {
        case .advanced(let bytes): progress.advance(bytes)
        case .deposited(let receipt):
            state.withLock { $0.receipts.append(receipt) }
        case .failed(let name, let error):
            state.withLock { $0.failures.append((name.text, error)) }
            if isTree, !output.json { progress.interrupt("depot: \(name): \(error)") }
        }
    }

    /// Of what was deposited, whatever became of the rest.
    func save(to path: String) throws(DepotError) {
        let receipts = state.withLock { $0.receipts }
        if receipts.isEmpty, !isTree { return }
        try ReceiptFile.write(receipts, isTree: isTree, to: path)
    }

    struct Totals: Codable {
        var files = 0
        var bytes: UInt64 = 0
        var newChunks = 0
        var newBytes: UInt64 = 0
        var sharedBytes: UInt64 = 0
        var degraded = 0
    }

    private struct TreeBody: Encodable {
        struct Failed: Encodable {
            let name: String
            let error: ErrorEnvelope.Body
        }
        let files: [ReceiptBody]
        let totals: Totals
        let skipped: [SourceTree.Skipped]
        let failed: [Failed]
    }

    /// Writes the result; throws the first failure.
    func finish() throws(DepotError) {
        progress.end()
        let (receipts, failures) = state.withLock { ($0.receipts, $0.failures) }
        guard isTree else {
            if let failure = failures.first { throw failure.error }
            guard let receipt = receipts.first else {
                throw DepotError(.internalError, "no receipt came")
            }
            return show(receipt)
        }
        show(receipts, failures)
        if let failure = failures.first {
            if output.json { Glibc.exit(ErrorTable.row(for: failure.error.code).exitCode) }
            throw DepotError(
                failure.error.code,
                "\(Output.plural(failures.count, "file")) of \(receipts.count + failures.count) could not be "
                    + "deposited, first \(failure.error)")
        }
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

    private func show(_ receipts: [ReceiptBody], _ failures: [(name: String, error: DepotError)]) {
        var totals = Totals()
        for receipt in receipts {
            totals.files += 1
            totals.bytes += receipt.size
            totals.newChunks += receipt.newChunks
            totals.newBytes += receipt.newBytes
            totals.sharedBytes += receipt.sharedBytes
            totals.degraded += receipt.degraded ? 1 : 0
        }
        if output.json {
            return Output.json(
                TreeBody(
                    files: receipts, totals: totals, skipped: skipped,
                    failed: failures.map {
                        TreeBody.Failed(name: $0.name, error: ErrorEnvelope($0.error).error)
                    }))
        }
        guard !output.quiet else { return }
        Output.line(
            "\(Output.plural(totals.files, "file"))  \(ByteCount(totals.bytes))  "
                + Self.novelty(totals.newBytes, totals.sharedBytes, totals.newChunks))
        if let worst = receipts.filter(\.degraded).min(by: { $0.copies < $1.copies }) {
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
