import ArgumentParser
import DepotClient
import DepotCore
import Glibc

import struct SystemPackage.FilePath

struct Retrieve: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Get a file back or, with -r, everything below a name.",
        discussion: """
            Every byte is hashed before it is written. A copy that is bad is named and another one \
            is used. The file appears under its name when it is whole and durable, and not before. \
            With -r only what differs from what is there is fetched, so that one that was \
            interrupted is simply run again. Modes, times, access control lists and attributes of \
            users come back; owners do where root retrieves, and the set-user-ID bit only with its \
            owner.

            EXAMPLES:
              depot retrieve report.pdf -o back.pdf
              depot retrieve photos -r -o /srv/photos
              depot retrieve / -r -o everything
              depot retrieve report.pdf@1-7 -o old.pdf   # a version, of depot versions
              depot retrieve etc.tar -o - | tar -t
            """)

    @Argument(
        help: ArgumentHelp(
            "The file's name, or NAME@VERSION; with -r, a folder's, or / for all of the depot.",
            valueName: "name"),
        completion: .fileVersions)
    var name: String

    @Option(
        help: ArgumentHelp(
            "As it was at that time: 2026-11-30T08:46:00Z, a day, @SECONDS, or 2h for two hours ago.",
            valueName: "time"), transform: Instant.parsePast)
    var at: Instant?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Where to: a file, which is replaced when the new one is whole; a folder with -r; a "
                + "device or a pipe; - is standard output. The last part of the name otherwise.",
            valueName: "path"),
        completion: .file())
    var path: String?

    @Flag(name: .shortAndLong, help: "Retrieve every file below NAME/ into a folder.")
    var recursive = false

    @Option(
        help: ArgumentHelp(
            "With -r, what becomes of files that are there: always (replaced), if-changed (kept "
                + "where size and time are the same; the default), if-newer (replaced by newer "
                + "ones), never.",
            valueName: "when"))
    var overwrite: TreeEntries.Overwriting?

    @Flag(
        help: """
            With -r, take a file that is there for the same only where its content is, whatever its \
            size and time: it is read and hashed.
            """)
    var checksum = false

    @Flag(help: "With -r, when all is there, delete what is in the folder and not in the depot.")
    var delete = false

    @Flag(help: "With -r, tell what would be fetched and deleted, and do nothing.")
    var dryRun = false

    @Flag(
        inversion: .prefixedNo, help: "Restore owners, by name where there is one; root does.")
    var owner: Bool?

    @Flag(help: "Restore owners by their numbers, whatever names they had.")
    var numericOwner = false

    @Flag(help: "Restore attributes of the system, too, such as capabilities and labels.")
    var allAttributes = false

    @OptionGroup var options: ServerOptions

    private var restoring: RestoreOptions {
        let owners: RestoreOptions.Owners? =
            switch (owner, numericOwner) {
            case (false, _): .kept
            case (_, true): .byNumber
            case (true, false): .byName
            case (nil, false): nil
            }
        return RestoreOptions(owners: owners, includesAllAttributes: allAttributes)
    }

    /// With the file itself on standard output, everything else goes to standard error.
    private var isToStandardOutput: Bool {
        path == "-" || !recursive && path.map(OwnDescriptor.isStandardOutput) ?? false
    }

    func validate() throws {
        guard !recursive || path != "-" else {
            throw ValidationError("-r needs a folder to retrieve into; -o - is for one file")
        }
        guard recursive || !delete && !dryRun && !checksum && overwrite == nil else {
            throw ValidationError(
                "--overwrite, --delete, --dry-run and --checksum are for folders; give -r")
        }
        guard !checksum || overwrite == nil || overwrite == .ifChanged else {
            throw ValidationError("--checksum says what if-changed compares; give no --overwrite")
        }
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
        let tree = recursive ? try TreeName(name) : nil
        let version = recursive ? nil : try await VersionName.parse(name, client)
        if delete { _ = try tree?.named() }
        let own = (tree?.name ?? version?.name).flatMap { FilePath($0.text).lastComponent?.string }
        guard let target = path ?? own else {
            throw DepotError(
                .invalidArgument, "where is all of the depot to go? Give -o FOLDER", object: name)
        }
        let threads = BlockingThreads()
        let progress = Progress(
            "retrieve", options: options.output,
            jsonStream: isToStandardOutput ? .error : .output)
        let pipeline = DownloadPipeline(
            server: client, threads: threads, restoring: restoring,
            onBytes: { progress.advance($0) })
        let place: DownloadTarget =
            isToStandardOutput ? .stream(descriptor: STDOUT_FILENO) : .path(target)
        let folders = FolderTree(root: target)
        let tally = RetrievalReporter(
            client, isTree: recursive, isToStandardOutput: isToStandardOutput,
            output: options.output,
            progress: progress)
        do {
            try await Interruption.guarding(saying: tally.left) {
                [overwrite, checksum, restoring, at, delete, dryRun, options]
                () async throws(DepotError) in
                if let tree {
                    try await KeptTime.note(
                        of: at, prefix: tree.prefix, client, options.output)
                    let group = GroupDownload(
                        server: client, threads: threads, restoring: restoring,
                        onBytes: { progress.advance($0) })
                    let entries = TreeEntries(
                        folders, overwriting: overwrite ?? .ifChanged, restoring: restoring,
                        comparesContent: checksum)
                    let comparison = ContentComparison(
                        server: client, threads: threads, entries: entries)
                    let retrieval = TreeRetrieval(
                        client: client, threads: threads, group: group, tree: tree,
                        moment: at.map { .at($0.seconds) } ?? .now,
                        folders: folders, entries: entries,
                        comparison: checksum ? comparison : nil, progress: progress,
                        onOutcome: { tally.take($0) })
                    if dryRun { return try await retrieval.tell(target, deleting: delete) }
                    try await retrieval.run()
                    if delete, !tally.hasFailed {
                        tally.deleted(try await retrieval.removeOthers(from: target))
                    }
                } else if let version {
                    var wanted = version
                    if let at { wanted = try await Self.version(of: version.name, at: at, client) }
                    let report = try await pipeline.run(
                        wanted, to: place, onOpen: { progress.set(total: $0.size) })
                    tally.take(.done(report))
                }
            }
            await tally.settle()
            client.shutDown()
            await threads.shutDown()
        } catch {
            tally.end(with: error)
        }
        if dryRun { return }
        if folders.madeCount > 0, !options.output.json, !options.output.quiet {
            Output.note(
                "\(Output.plural(folders.madeCount, "folder")) made that only the owner can enter: "
                    + "the depot knows nothing of them but that names lead through them")
        }
        try await tally.finish(target)
    }
}

extension Retrieve {
    /// The version that a name had at an instant.
    private static func version(
        of name: FileName, at moment: Instant, _ client: FileServerClient
    ) async throws(DepotError) -> VersionName {
        let page = try await client.files(.at(moment.seconds), prefix: name.text, after: nil)
        guard let file = page.files.first, file.name == name else {
            throw DepotError(
                .notFound, "no such file was in the depot then, as far as versions are kept",
                object: name.text)
        }
        return VersionName(name, file.sequence)
    }
}

extension TreeEntries.Overwriting: ExpressibleByArgument {}
