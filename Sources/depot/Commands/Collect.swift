import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Collect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete chunks that nobody uses, and give their space back.",
        discussion: """
            The FileServer does this by itself every hour. What no file, deposit or retrieval uses \
            is kept for a grace time first. Nothing is deleted while anything is unknown that \
            might use it.

            EXAMPLES:
              depot collect --plan
              depot collect --grace 0s
            """)

    @Flag(help: "Only say what would be done.") var plan = false
    @Option(
        help: ArgumentHelp(
            "How long a chunk has to be unused, such as 12h; what the FileServer was told "
                + "otherwise.",
            valueName: "time"),
        transform: TimeSpan.parse)
    var grace: TimeSpan?
    @Option(
        help: ArgumentHelp(
            "Forget now what was replaced or deleted so long ago, such as 7d, whatever policies say; "
                + "what is locked stays.", valueName: "time"),
        transform: TimeSpan.parse)
    var versions: TimeSpan?
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard plan, versions != nil else { return }
        throw ValidationError("--plan does not foresee what --versions forgets; give one of them")
    }

    func run() async throws {
        let body = CollectBody(
            planOnly: plan, graceSeconds: grace?.seconds, versionSeconds: versions?.seconds)
        let client = try options.client()
        let done = try await Progress.whileWaiting("collect", options.output) {
            () async throws(DepotError) in try await client.collect(body)
        }
        if options.output.json { return Output.json(done) }
        guard !options.output.quiet else { return }
        let found = done.plan
        Output.line(
            "\(Output.plural(found.unusedChunks, "chunk")) unused (\(ByteCount(found.unusedBytes)) "
                + "with all copies), \(found.readyChunks) of them for longer than "
                + "\(done.graceSeconds) s (\(ByteCount(found.readyBytes)))")
        if done.planOnly {
            return Output.line(
                "would delete \(Output.plural(found.readyCopies, "copy", many: "copies"))  (plan)")
        }
        Output.line(
            "\(Output.plural(done.deletedCopies, "copy", many: "copies")) deleted "
                + "(\(ByteCount(done.deletedBytes))), "
                + "\(Output.plural(done.deletedRecords, "old record"))")
        Output.line(
            "\(Output.plural(done.compactedSegments, "segment")) compacted, "
                + "\(ByteCount(done.freedBytes)) freed")
        if done.pinnedSegments > 0 {
            Output.line(
                "\(Output.plural(done.pinnedSegments, "segment")) cannot be compacted for damage; "
                    + "run 'depot verify'")
        }
        for (name, why) in done.skipped.sorted(by: { $0.key < $1.key }) {
            Output.line("not collected: \(name): \(why)")
        }
    }
}
