import ArgumentParser
import CLinux
import CSQLiteOptions
import DepotCore
import DepotWire
import Glibc

/// The command.
@main
struct Depot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "depot",
        abstract: "A place to deposit files that nobody can afford to lose.",
        discussion: """
            Clients find the FileServer by --server or DEPOT_SERVER, and are let in by DEPOT_TOKEN \
            or DEPOT_TOKEN_FILE; where it is https:// they know it by --ca or DEPOT_CA_FILE. \
            FileServer and replicas share DEPOT_CLUSTER_TOKEN or DEPOT_CLUSTER_TOKEN_FILE.

            EXAMPLES:
              depot local --data ./depot-data       # a depot to try, in one process
              depot deposit report.pdf 3            # three copies, durable when it returns
              depot deposit photos -r --as photos   # a folder with all that is in it
              depot retrieve report.pdf -o back.pdf
              depot status

            DEPOSIT, RETRIEVE and CHANGE_REPLICATION, spelled so, work too.

            EXIT CODES:
            \(exitCodes)
            """,
        version: BuildVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Files",
                subcommands: [
                    Deposit.self, Retrieve.self, ChangeReplication.self, List.self, Info.self,
                    Delete.self, Status.self,
                ]),
            CommandGroup(
                name: "Versions",
                subcommands: [
                    Versions.self, Revert.self, Undelete.self, Diff.self, Lock.self,
                    Policy.self,
                ]),
            CommandGroup(name: "Upkeep", subcommands: [Verify.self, Collect.self]),
            CommandGroup(
                name: "Replicas",
                subcommands: [
                    Drain.self, Forget.self, Simulate.self, RebuildCatalog.self,
                ]),
            CommandGroup(
                name: "Services",
                subcommands: [
                    Serve.self, Replica.self, Local.self, Token.self, TLS.self, Config.self,
                    Health.self,
                ]),
        ])

    private static let spelledOut = [
        "DEPOSIT": "deposit", "RETRIEVE": "retrieve", "CHANGE_REPLICATION": "change-replication",
    ]

    /// What the exit codes say; which errors have them is `ErrorTable`'s to say.
    private static let meanings: [(code: Int32, words: String)] = [
        (0, "done"), (1, "damage was found and repaired (verify)"), (2, "damage remains"),
        (3, "not found"), (4, "conflict"), (5, "not enough replicas"), (6, "refused"),
        (7, "storage full"), (8, "unreachable, or not able to work now"),
        (64, "usage: the command line is wrong"), (70, "a mistake of depot's own"),
        (74, "a file, folder or stream here cannot be read or written"),
        (130, "interrupted: 128 and the signal's number"),
        (141, "whoever read the output has gone"),
    ]

    private static var exitCodes: String {
        meanings.map { code, words in
            "  \(code)\(String(repeating: " ", count: 5 - String(code).count))\(words)"
        }.joined(separator: "\n")
    }

    /// Large buffers go back to the system when they are freed: a client that reads a file in
    /// groups would otherwise keep the peak of every thread. Those of connections do not: each time
    /// they came back they cost a page fault for every 4 KiB, a third of what a FileServer spent on
    /// passing a chunk on. Each arena stays as large as it was when it was fullest: two instead of
    /// four take 30 MiB off a FileServer with 16 clients, at the same speed.
    private static func setUpMemory() {
        _ = mallopt(Int32(DEPOT_M_MMAP_THRESHOLD), 1 << 20)
        _ = mallopt(Int32(DEPOT_M_TRIM_THRESHOLD), 8 << 20)
        _ = mallopt(Int32(DEPOT_M_TOP_PAD), 1 << 20)
        _ = mallopt(Int32(DEPOT_M_ARENA_MAX), 2)
        // What statements that are kept prepared leave of the usual 100 blocks is not enough for
        // those that run.
        _ = depot_sqlite_set_up(1_200, 400)
    }

    /// The parser wraps its help at the terminal's width, and traps where its own columns are wider.
    private static func widenHelp() {
        let said = getenv("COLUMNS").flatMap { Int(String(cString: $0)) }
        guard let width = said ?? Table.terminalWidth(), width < 40 else { return }
        setenv("COLUMNS", "40", 1)
    }

    static func main() async {
        // A reader that goes away shows as an error of the write, with an exit code, and not as a
        // signal.
        signal(SIGPIPE, SIG_IGN)
        StandardStream.fillGaps()
        setUpMemory()
        widenHelp()
        do {
            var words = try CommandWords.arguments()
            if let first = words.first, let command = spelledOut[first] { words[0] = command }
            try CommandSuggestion.check(words, in: Self.self)
            Settings.current = try settings(for: words)
            let completed = try Settings.current?.complete(words) ?? words
            try await run(try await asyncParseAsRoot(completed))
        } catch {
            Failure.end(error, asJSON: CommandLine.arguments.contains("--json"))
        }
        Failure.end()
    }

    /// Whoever asks how a command is used is told, whatever stands in a file; and a shell that completes a line has no
    /// place for a complaint.
    private static func settings(for words: [String]) throws(DepotError) -> Settings? {
        guard let first = words.first, !["help", "--version"].contains(first),
            !words.prefix(while: { $0 != "--" }).contains(where: { ["--help", "-h"].contains($0) })
        else { return nil }
        if first.hasPrefix("---") { return try? .ofProcess() }
        return try .ofProcess()
    }

    private static func run(_ command: any ParsableCommand) async throws {
        var command = command
        do {
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard let command = command as? any NamesFiles else { throw error }
            throw await NameSuggestion.explained(error, asking: command.options)
        }
    }
}
