import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Lock: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Let nothing take what a file is now, until a time or until it is released.",
        discussion: """
            The content of the file, or of NAME@VERSION, stays in the depot until then: the file can \
            be replaced and deleted, but the version stays, whatever policy, delete --purge and \
            collect --versions say. A lock can be made longer, and never shorter. The FileServer's \
            running time decides: time for which it was down is added.

            Where the FileServer was started with --break-locks, an administrator can break a lock, \
            --break: it ends at --until, or at once. The audit has who did.

            EXAMPLES:
              depot lock contracts/2026.pdf --until 2036-12-31
              depot lock -r evidence --hold
              depot lock -r evidence --release-hold
            """)

    @Argument(help: "The files' names, or versions of them.", completion: .fileVersions)
    var names: [String]
    @Flag(name: .shortAndLong, help: "Lock everything below NAME/, too.")
    var recursive = false
    @Option(
        help: ArgumentHelp(
            "Until then: 2036-12-31, 2036-12-31T08:46:00Z, @SECONDS, or 30d from now.",
            valueName: "time"), transform: Instant.parseFuture)
    var until: Instant?
    @Flag(help: "Until --release-hold.") var hold = false
    @Flag(help: "Take a hold away; a time that was said before stays.") var releaseHold = false
    @Flag(name: .customLong("break"), help: "Have the lock end at --until, or at once.")
    var breaks = false
    @OptionGroup var options: ServerOptions

    func validate() throws {
        if hold, releaseHold {
            throw ValidationError(
                "--hold and --release-hold contradict each other; give one of them")
        }
        if until == nil, !hold, !releaseHold, !breaks {
            throw ValidationError(
                "say until when: --until TIME, --hold, --release-hold or --break")
        }
    }

    private struct Body: Encodable {
        let locked: [LockedBody]
        let failed: [FailedFiles.Entry]
    }

    func run() async throws {
        let change = try LockChange(
            until: until?.seconds, isHeld: hold ? true : releaseHold ? false : nil,
            breaks: breaks)
        let client = try options.client()
        var tally = NameTally<LockedBody>(
            "lock", options.output, "locked", isAlone: names.count == 1 && !recursive)
        for text in names {
            let version = try await VersionName.parse(
                recursive ? text.withoutEndingSlashes : text, client)
            if recursive, version.sequence == nil {
                try await lockAll(below: version.name, change, client, &tally)
            } else {
                Self.take(version.name, await Self.lock(version, change, client), &tally)
            }
        }
        let verb = releaseHold || breaks ? "changed" : "locked"
        try tally.finish(
            Body(locked: tally.done, failed: tally.failed.sorted),
            summary: recursive ? "\(Output.plural(tally.count, "name")) \(verb)" : nil)
    }

    private static func take(
        _ name: FileName, _ result: Result<LockedBody, DepotError>,
        _ tally: inout NameTally<LockedBody>
    ) {
        tally.take(name, result) { "\(name)  \($0.lock?.words ?? "not locked any more")" }
    }

    private static func lock(
        _ version: VersionName, _ change: LockChange, _ client: FileServerClient
    ) async -> Result<LockedBody, DepotError> {
        do throws(DepotError) {
            return .success(try await client.lock(version, change))
        } catch {
            return .failure(error)
        }
    }

    private func lockAll(
        below root: FileName, _ change: LockChange, _ client: FileServerClient,
        _ tally: inout NameTally<LockedBody>
    ) async throws {
        let before = tally.count
        if try await client.files(.now, prefix: root.text, after: nil).files.first?.name == root {
            Self.take(root, await Self.lock(VersionName(root), change, client), &tally)
        }
        var pages = NamePages(client, prefix: "\(root)/")
        while let page = try await pages.next() {
            await ManyNames.each(
                page.map(\.name),
                { name async throws(DepotError) in
                    try await Self.lock(VersionName(name), change, client).get()
                }, onOutcome: { Self.take($0, $1, &tally) })
        }
        guard tally.count > before || tally.failed.count > 0 else {
            throw DepotError(
                .notFound, "no such file in the depot, and nothing below it",
                object: root.text)
        }
    }
}

extension ContentLock {
    /// For people to read.
    var words: String {
        let time = until.map { "locked until \(Output.timestamp($0))" }
        let hold = isHeld ? "held until it is released" : nil
        return [time, hold].compactMap(\.self).joined(separator: ", ")
    }
}
