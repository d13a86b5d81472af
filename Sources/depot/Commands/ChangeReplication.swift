import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct ChangeReplication: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Give a file more or fewer copies.",
        discussion: """
            Copies are made and proved before any is dropped. The level that a file has already \
            makes up for copies that are missing.

            EXAMPLES:
              depot change-replication photos/march.jpg 5
              depot change-replication photos/march.jpg 2 --plan
            """)

    @Argument(help: "The file's name.", completion: .fileNames) var name: String
    @Argument(help: ArgumentHelp("Copies on as many replicas.", valueName: "n")) var copies: Int
    @Flag(help: "Only say what would be done.") var plan = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let body = ChangeLevelBody(level: try ReplicationLevel(copies), planOnly: plan)
        let name = try FileName(path: name)
        let client = try options.client()
        let change = try await Progress.whileWaiting("change-replication", options.output) {
            () async throws(DepotError) in try await client.changeLevel(of: name, body)
        }
        if options.output.json { return Output.json(change) }
        guard !options.output.quiet else { return }
        let verb = change.planOnly ? "would be " : ""
        Output.line(
            "\(change.name)  level \(change.from) → "
                + "\(change.to)\(change.planOnly ? "  (plan)" : "")")
        Output.line(
            "  \(change.copied) \(verb)copied (\(ByteCount(change.bytesCopied))), "
                + "\(change.dropped) \(verb)dropped")
        if change.pinned > 0 {
            Output.line(
                "  \(change.pinned) stay above \(change.to): other files, or versions of such, want more "
                    + "copies of them")
        }
        if change.lacking > 0 {
            Output.line(
                "  DEGRADED: \(Output.plural(change.lacking, "chunk")) could not be copied often "
                    + "enough yet; repair goes on")
        }
        guard change.planOnly else { return }
        Output.table(
            [["  replica", "copies", "drops", "bytes"]]
                + change.replicas.map {
                    [
                        "  \($0.replica)", "\($0.copied)", "\($0.dropped)",
                        "\(ByteCount($0.bytesCopied))",
                    ]
                }, rightAligned: [1, 2, 3])
    }
}
