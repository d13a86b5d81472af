import ArgumentParser
import DepotClient
import DepotCore
import Glibc

import struct SystemPackage.FilePath

struct Deposit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deposit a file or, with -r, a folder.",
        discussion: """
            Returns when as many copies are durable as the output says. With -r, names are the \
            paths below the folder, behind NAME/ where --as NAME is given. Folders, symbolic links \
            (which are never followed), further names of one file, owners, modes, times to the \
            nanosecond, access control lists, the attributes of users and holes are kept with it. \
            Pipes, sockets and devices are told about and left out, unless --special is given. A \
            file that changes while it is read is not deposited.

            EXAMPLES:
              depot deposit report.pdf 3
              depot deposit photos -r --as backup/photos --exclude "*.tmp"
              tar -c /etc | depot deposit - 3 --as etc.tar
            """)

    @Argument(
        help: ArgumentHelp("The file; - is standard input, which needs --as.", valueName: "path"),
        completion: .file())
    var path: String

    @Argument(help: ArgumentHelp("Copies on as many replicas.", valueName: "n"))
    var copies = 3

    @Option(name: .customLong("as"), help: "The name to deposit under; the file's own otherwise.")
    var name: String?

    @Flag(name: .shortAndLong, help: "Deposit the folder with everything below it.")
    var recursive = false

    @Flag(help: "Refuse rather than make fewer copies than N at first.")
    var requireAll = false

    @Flag(help: "Keep attributes of the system, too, such as capabilities and labels.")
    var allAttributes = false

    @Flag(help: "Deposit only where no file has the name; conflict (4) otherwise.")
    var ifAbsent = false

    @Option(
        help: ArgumentHelp(
            "Deposit only in place of this version, as versions lists it; conflict (4) otherwise.",
            valueName: "version"))
    var ifSequence: String?

    @Option(help: "The deposit's id: the same id again gives the same receipts.")
    var depositID: String?

    @Option(
        help: ArgumentHelp(
            "Save the receipt as JSON, to be proved by verify --receipt; with -r an array of them.",
            valueName: "file"), completion: .file())
    var receipt: String?

    @OptionGroup(title: "With -r") var treeOptions: TreeOptions

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard !recursive || path != "-" else {
            throw ValidationError("-r needs a folder; standard input is one file")
        }
        guard ifSequence == nil || !recursive && !ifAbsent else {
            throw ValidationError("--if-sequence is for one file, and not beside --if-absent")
        }
        guard !treeOptions.mirror || recursive && name != nil else {
            throw ValidationError("--mirror needs -r, and --as NAME below which it deletes")
        }
        guard !treeOptions.dryRun || recursive else {
            throw ValidationError("--dry-run tells of a folder; give -r")
        }
    }

    func run() async throws {
        let level = try ReplicationLevel(copies)
        let deposit = try parseDepositID()
        if let receipt { try ReceiptFile.check(receipt) }
        let client = try options.client()
        let tally = DepositReporter(
            isTree: recursive, keepsReceipts: receipt != nil, output: options.output)
        let threads = BlockingThreads()
        let expected = try expectation()
        func pipeline(_ terms: TreeTerms?) -> UploadPipeline {
            UploadPipeline(
                server: client, threads: threads, deposit: deposit, level: level,
                requireAll: requireAll, includesAllAttributes: allAttributes,
                expecting: expected, tree: terms,
                onEvent: { tally.take($0) })
        }
        do {
            if recursive {
                let prefix = try name.map { name throws(DepotError) in
                    try FileName(path: name.withoutEndingSlashes)
                }
                let selection = try treeOptions.selection()
                let tree = try SourceTree(
                    path, prefix: prefix, selecting: selection, onProblem: { tally.take($0) })
                if treeOptions.dryRun {
                    return try await tell(tree, prefix, selection, client, threads)
                }
                let terms = try treeOptions.terms(
                    root: path, prefix: prefix, needsReceipts: receipt != nil || depositID != nil)
                if tally.isProgressShown {
                    Task { tally.expect(try await threads.blocking { tree.size }) }
                }
                try await Self.run(pipeline(terms), tree, tally)
                try await deleteExcess(tree, prefix, selection, client, threads, tally)
            } else {
                let (source, size) = try single()
                if let size { tally.expect(size) }
                try await Self.run(pipeline(nil), CollectionOfOne(source), tally)
            }
            client.shutDown()
            await threads.shutDown()
        } catch {
            // Threads that wait for a stream are left to the end of the process.
            tally.end(with: error)
        }
        if let receipt { tally.save(to: receipt) }
        try tally.finish()
    }

    /// What a mirror does when all is deposited.
    private func deleteExcess(
        _ tree: SourceTree, _ prefix: FileName?, _ selection: TreeSelection,
        _ client: FileServerClient, _ threads: BlockingThreads, _ tally: DepositReporter
    ) async throws(DepotError) {
        guard treeOptions.mirror, let prefix, !tally.hasFailed else { return }
        let deletions = Deletions(client: client, purges: false)
        try await Interruption.guarding(saying: tally.left) { () async throws(DepotError) in
            try await forEachExcess(tree, prefix, selection, client, threads) {
                await deletions.delete($0) { tally.take(deletionOf: $0, $1) }
            }
        }
    }

    /// Hands over names below the prefix that the folder does not have, a page at a time.
    private func forEachExcess(
        _ tree: SourceTree, _ prefix: FileName, _ selection: TreeSelection,
        _ client: FileServerClient, _ threads: BlockingThreads, _ body: ([FileName]) async -> Void
    ) async throws(DepotError) {
        let isForced = treeOptions.force
        let mirror = try await threads.blocking { () throws(DepotError) in
            try TreeMirror(
                tree, prefix: prefix, patterns: selection.patterns, mayBeEmpty: isForced)
        }
        var pages = NamePages(client, prefix: "\(prefix)/")
        while let page = try await pages.next() {
            let excess = try await threads.blocking { () throws(DepotError) in
                try mirror.excess(of: page)
            }
            if !excess.isEmpty { await body(excess) }
        }
    }

    /// What would be done.
    private func tell(
        _ tree: SourceTree, _ prefix: FileName?, _ selection: TreeSelection,
        _ client: FileServerClient, _ threads: BlockingThreads
    ) async throws(DepotError) {
        let size = try await threads.blocking {
            tree.reduce(into: UInt64(0)) { size, source in
                Output.line("would deposit \(source.name)")
                size.increase(by: source.size)
            }
        }
        if treeOptions.mirror, let prefix {
            try await forEachExcess(tree, prefix, selection, client, threads) {
                for name in $0 { Output.line("would delete \(name)") }
            }
        }
        Output.line("\(ByteCount(size)) in all; nothing was done")
        client.shutDown()
        await threads.shutDown()
    }

    private static func run(
        _ pipeline: UploadPipeline, _ sources: some Sequence<UploadSource> & Sendable,
        _ tally: DepositReporter
    ) async throws(DepotError) {
        try await Interruption.guarding(saying: tally.left) { () async throws(DepotError) in
            try await pipeline.run(sources)
        }
    }

    private func expectation() throws(DepotError) -> FileExpectation {
        if ifAbsent { return .absence }
        guard let ifSequence else { return .anything }
        // As `versions` lists it, with the name in front, too.
        let written = ifSequence.lastIndex(of: "@").map { ifSequence[$0...].dropFirst() }
        guard let sequence = CommitSequence(written: written ?? ifSequence[...]) else {
            throw DepotError(
                .invalidArgument, "a version is two numbers, such as 1-7", object: ifSequence)
        }
        return .version(sequence)
    }

    private func parseDepositID() throws(DepotError) -> DepositID {
        guard let depositID else { return .random() }
        guard let id = DepositID(depositID) else {
            throw DepotError(.invalidArgument, "a deposit id is a UUID", object: depositID)
        }
        return id
    }

    /// - Returns: one file or stream, and of a file its size.
    private func single() throws(DepotError) -> (UploadSource, size: UInt64?) {
        if path == "-" {
            guard let name else {
                throw DepotError(.invalidArgument, "standard input needs a name: give --as NAME")
            }
            return (
                UploadSource(
                    name: try FileName(path: name), origin: .stream(descriptor: STDIN_FILENO)),
                nil
            )
        }
        let status = try FileStatus(following: path)
        guard !status.isFolder else {
            throw DepotError(.invalidArgument, "it is a folder; deposit it with -r", object: path)
        }
        let own = FilePath(path).lastComponent?.string ?? path
        return (
            UploadSource(name: try FileName(path: name ?? own), origin: .file(path: path)),
            status.isFile ? status.size : nil
        )
    }
}
