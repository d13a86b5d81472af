import ArgumentParser
import DepotClient
import DepotCore
import Glibc

struct Retrieve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Get a file back or, with -r, everything below a name.",
        discussion: """
            Every byte is hashed before it is written. A copy that is bad is named and another one is used. The \
            file appears under its name when it is whole and durable, and not before.
            """)

    @Argument(
        help: ArgumentHelp(
            "The file's name; with -r, what its names begin with.", valueName: "name"))
    var name: String

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Where to: a file, a folder with -r, a device or a pipe; - is standard output. The last part of the name otherwise.",
            valueName: "path"))
    var path: String?

    @Flag(name: .shortAndLong, help: "Retrieve every file below NAME/ into a folder.")
    var recursive = false

    @OptionGroup var options: ServerOptions

    /// With the file itself on standard output, everything else goes to standard error.
    private var isToStandardOutput: Bool { path == "-" }

    func validate() throws {
        guard recursive, isToStandardOutput else { return }
        throw ValidationError("-r needs a folder to retrieve into; -o - is for one file")
    }

    func run() async throws {
        do {
            try await retrieve()
        } catch let error as DepotError where options.output.json && isToStandardOutput {
            Failure.report(error, asJSON: true, to: STDERR_FILENO)
        }
    }

    private func retrieve() async throws {
        let client = try options.client()
        let name = try FileName(name)
        let threads = HashingThreads()
        let progress = Progress("retrieve", total: nil, options: options.output)
        let pipeline = DownloadPipeline(
            door: client, threads: threads, onBytes: { progress.advance($0) })
        let last = name.text.split(separator: "/").last.map(String.init) ?? name.text
        let target = path ?? last
        let place: DownloadTarget =
            isToStandardOutput ? .stream(descriptor: STDOUT_FILENO) : .path(target)
        let tally = RetrievalTally(
            isTree: recursive, isToStandardOutput: isToStandardOutput, output: options.output,
            progress: progress)
        if recursive {
            let tree = TreeRetrieval(
                client: client,
                group: GroupDownload(
                    door: client, threads: threads, onBytes: { progress.advance($0) }),
                prefix: name, folder: target, progress: progress, onOutcome: { tally.take($0) })
            try await Interruption.guarding { () async throws(DepotError) in try await tree.run() }
        } else {
            try await Interruption.guarding { () async throws(DepotError) in
                let report = try await pipeline.run(
                    name, to: place, onOpen: { progress.expect($0.size) })
                tally.take(.done(report))
            }
        }
        client.shutDown()
        await threads.shutDown()
        try tally.finish(target)
    }
}
