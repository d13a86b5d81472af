import ArgumentParser
import DepotClient
import DepotCore
import Glibc

import struct SystemPackage.FilePath

struct Retrieve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Get a file back or, with -r, everything below a name.",
        discussion: """
            Every byte is hashed before it is written. A copy that is bad is named and another one \
            is used. The file appears under its name when it is whole and durable, and not before. \
            Modes and times come back, but for set-user-ID bits, as owners do not. Folders that \
            are made are for their owner alone.
            """)

    @Argument(
        help: ArgumentHelp(
            "The file's name; with -r, what its names begin with.", valueName: "name"))
    var name: String

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Where to: a file, a folder with -r, a device or a pipe; - is standard output. The "
                + "last part of the name otherwise.",
            valueName: "path"))
    var path: String?

    @Flag(name: .shortAndLong, help: "Retrieve every file below NAME/ into a folder.")
    var recursive = false

    @OptionGroup var options: ServerOptions

    /// With the file itself on standard output, everything else goes to standard error.
    private var isToStandardOutput: Bool {
        path == "-" || !recursive && path.map(OwnDescriptor.isStandardOutput) ?? false
    }

    func validate() throws {
        guard recursive, path == "-" else { return }
        throw ValidationError("-r needs a folder to retrieve into; -o - is for one file")
    }

    func run() async throws {
        do {
            try await retrieve()
        } catch let error as DepotError where options.output.json && isToStandardOutput {
            Failure.report(error, asJSON: true, to: .error)
        }
    }

    private func retrieve() async throws {
        let client = try options.client()
        let name = try FileName(name)
        let threads = BlockingThreads()
        let progress = Progress("retrieve", total: nil, options: options.output)
        let pipeline = DownloadPipeline(
            server: client, threads: threads, onBytes: { progress.advance($0) })
        let target = path ?? FilePath(name.text).lastComponent?.string ?? name.text
        let place: DownloadTarget =
            isToStandardOutput ? .stream(descriptor: STDOUT_FILENO) : .path(target)
        let folders = FolderTree(root: target)
        let tally = RetrievalReporter(
            isTree: recursive, isToStandardOutput: isToStandardOutput, output: options.output,
            progress: progress)
        do {
            try await Interruption.guarding { [recursive] () async throws(DepotError) in
                if recursive {
                    let group = GroupDownload(
                        server: client, threads: threads, onBytes: { progress.advance($0) })
                    try await TreeRetrieval(
                        client: client, group: group, prefix: name, folders: folders,
                        progress: progress, onOutcome: { tally.take($0) }
                    ).run()
                } else {
                    let report = try await pipeline.run(
                        name, to: place, onOpen: { progress.set(total: $0.size) })
                    tally.take(.done(report))
                }
            }
            client.shutDown()
            await threads.shutDown()
        } catch {
            tally.end(with: error)
        }
        if folders.madeCount > 0, !options.output.json, !options.output.quiet {
            Output.note(
                "\(Output.plural(folders.madeCount, "folder")) made that only the owner can enter: "
                    + "modes of folders are not deposited")
        }
        try tally.finish(target)
    }
}
