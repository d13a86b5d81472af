import ArgumentParser
import DepotClient
import DepotCore
import DepotWire
import Glibc
import Synchronization

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
        let (isTree, toStandardOutput) = (recursive, isToStandardOutput)
        let results = try await Interruption.guarding {
            () async throws(DepotError) -> [TreeRetrieval.Outcome] in
            guard isTree else {
                let place: DownloadTarget =
                    toStandardOutput ? .stream(descriptor: STDOUT_FILENO) : .path(target)
                let report = try await pipeline.run(
                    name, to: place, onOpen: { progress.expect($0.size) })
                return [.done(report)]
            }
            let tree = TreeRetrieval(
                client: client,
                group: GroupDownload(
                    door: client, threads: threads, onBytes: { progress.advance($0) }),
                prefix: name, folder: target, progress: progress)
            return try await tree.run()
        }
        progress.end()
        client.shutDown()
        await threads.shutDown()
        try show(results, target)
    }

    private struct FileResult: Encodable {
        let name: FileName
        let size: UInt64
        let manifest: ChunkID
        let badCopies: [BadCopyReport]

        init(_ report: DownloadReport) {
            name = report.file.name
            size = report.file.size
            manifest = report.file.manifest.id
            badCopies = report.badCopies
        }
    }

    private struct TreeResult: Encodable {
        struct Failed: Encodable {
            let name: FileName
            let error: ErrorEnvelope.Body
        }
        let files: [FileResult]
        let failed: [Failed]
    }

    private func show(_ outcomes: [TreeRetrieval.Outcome], _ target: String) throws(DepotError) {
        var reports: [DownloadReport] = []
        var failures: [(name: FileName, error: DepotError)] = []
        for outcome in outcomes {
            switch outcome {
            case .done(let report): reports.append(report)
            case .failed(let name, let error): failures.append((name, error))
            }
        }
        if options.output.json {
            if recursive {
                Output.json(
                    TreeResult(
                        files: reports.map(FileResult.init),
                        failed: failures.map {
                            TreeResult.Failed(name: $0.name, error: ErrorEnvelope($0.error).error)
                        }))
            } else if let report = reports.first {
                Output.json(
                    FileResult(report), to: isToStandardOutput ? STDERR_FILENO : STDOUT_FILENO)
            }
        } else if !options.output.quiet, !isToStandardOutput {
            say(reports, target)
        }
        tellBadCopies(reports)
        guard let failure = failures.first else { return }
        if options.output.json { Glibc.exit(ErrorTable.row(for: failure.error.code).exitCode) }
        throw DepotError(
            failure.error.code,
            "\(Output.plural(failures.count, "file")) of \(outcomes.count) could not be retrieved, first "
                + "\(failure.error)")
    }

    private func say(_ reports: [DownloadReport], _ target: String) {
        let bytes = ByteCount(reports.reduce(0) { $0 + $1.file.size })
        let what =
            recursive ? Output.plural(reports.count, "file") : reports.first?.file.name.text ?? ""
        Output.line("\(what)  \(bytes)  verified  → \(target)")
    }

    private func tellBadCopies(_ reports: [DownloadReport]) {
        guard !options.output.json, !options.output.quiet else { return }
        for report in reports {
            for copy in report.badCopies {
                Output.note(
                    "bad copy: \(report.file.name): chunk \(copy.chunk) is \(copy.reason) on replica "
                        + "\(copy.replica); another copy was used")
            }
        }
    }
}
