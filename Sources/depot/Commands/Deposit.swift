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
            paths below the folder, behind NAME/ where --as NAME is given. Symbolic links, empty \
            folders, pipes and devices are told about and left out. A file that changes while it \
            is read is not deposited.
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

    func validate() throws {
        guard recursive, path == "-" else { return }
        throw ValidationError("-r needs a folder; standard input is one file")
    }

    func run() async throws {
        let level = try ReplicationLevel(copies)
        let deposit = try parseDepositID()
        if let receipt { try ReceiptFile.check(receipt) }
        let client = try options.client()
        let tally = DepositReporter(
            isTree: recursive, keepsReceipts: receipt != nil, output: options.output)
        let threads = BlockingThreads()
        let pipeline = UploadPipeline(
            server: client, threads: threads, deposit: deposit, level: level,
            requireAll: requireAll,
            onEvent: { tally.take($0) })
        do {
            if recursive {
                let tree = try SourceTree(path, prefix: name, onProblem: { tally.take($0) })
                if tally.isProgressShown {
                    Task { tally.expect(try await threads.blocking { tree.size }) }
                }
                try await Self.run(pipeline, tree)
            } else {
                let (source, size) = try single()
                if let size { tally.expect(size) }
                try await Self.run(pipeline, CollectionOfOne(source))
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

    private static func run(
        _ pipeline: UploadPipeline, _ sources: some Sequence<UploadSource> & Sendable
    ) async throws(DepotError) {
        try await Interruption.guarding { () async throws(DepotError) in
            try await pipeline.run(sources)
        }
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
                    name: try FileName(name), origin: .stream(descriptor: STDIN_FILENO)),
                nil
            )
        }
        let status = try FileStatus(following: path)
        guard !status.isFolder else {
            throw DepotError(.invalidArgument, "it is a folder; deposit it with -r", object: path)
        }
        let own = FilePath(path).lastComponent?.string ?? path
        return (
            UploadSource(name: try FileName(name ?? own), origin: .file(path: path)),
            status.isFile ? status.size : nil
        )
    }
}
