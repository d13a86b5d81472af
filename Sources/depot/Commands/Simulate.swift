import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what would be missing without some replicas. Changes nothing.",
        discussion: """
            EXAMPLES:
              depot simulate --lose r2
              depot simulate --lose r2 r3
            """)

    @Option(
        name: .customLong("lose"), parsing: .upToNextOption,
        help: ArgumentHelp("Replicas that are to be supposed gone.", valueName: "replica"),
        completion: .replicaNames)
    var lost: [String] = []
    @OptionGroup var options: ServerOptions

    func run() async throws {
        guard !lost.isEmpty else {
            throw DepotError(.invalidArgument, "which replicas? Give --lose REPLICA…")
        }
        let client = try options.client()
        let outcome = try await Progress.whileWaiting("simulate", options.output) {
            () async throws(DepotError) in try await SimulatedLoss(of: lost, client)
        }
        if options.output.json { return Output.json(outcome) }
        guard !options.output.quiet else { return }
        outcome.show(filesMax: SimulatedLoss.listedMax)
    }
}

/// What a simulation comes to, over all its pages.
struct SimulatedLoss: Encodable {
    /// Files that are listed; the rest is counted.
    static let listedMax = 1_000

    private(set) var totals: SimulationBody.Totals?
    /// Files that could not be read any more, and their bytes.
    private(set) var unreadableFiles = 0
    @ByteCount private(set) var unreadableBytes: UInt64 = 0
    /// Files with a chunk of which one good copy would be left.
    private(set) var lastCopyFiles = 0
    private(set) var files: [SimulationBody.Loss] = []

    init(of replicas: [String], _ client: FileServerClient) async throws(DepotError) {
        var after: FileName?
        while true {
            let page = try await client.simulate(
                SimulationRequestBody(lose: replicas, after: after))
            totals = totals ?? page.totals
            for file in page.files { count(file) }
            guard page.hasMore, let last = page.files.last else { return }
            after = last.name
        }
    }

    private mutating func count(_ file: SimulationBody.Loss) {
        if file.lostChunks > 0 {
            unreadableFiles += 1
            unreadableBytes += file.size
        } else {
            lastCopyFiles += 1
        }
        if files.count < Self.listedMax { files.append(file) }
    }

    func show(filesMax: Int) {
        guard let totals else { return }
        Output.line(
            "without \(totals.lost.joined(separator: ", ")): "
                + "\(Output.plural(totals.remaining, "replica")) "
                + "\(totals.remaining == 1 ? "remains" : "remain")")
        Output.line(
            unreadableFiles == 0
                ? "  every file could be read"
                : "  \(Output.plural(unreadableFiles, "file")) (\(ByteCount(unreadableBytes))) "
                    + "could NOT be read"
        )
        Output.line("  \(Output.plural(lastCopyFiles, "file")) down to one copy")
        Output.line(
            "  \(Output.plural(totals.copies, "copy", many: "copies")) to make "
                + "(\(ByteCount(totals.bytes))), \(ByteCount(totals.freeBytes)) free: "
                + "\(totals.fits ? "enough" : "NOT ENOUGH")")
        let listed = files.sorted { ($1.lostChunks, $0.name) < ($0.lostChunks, $1.name) }
        for file in listed.prefix(filesMax) {
            Output.line("  \(file.name)  \(file.lostChunks > 0 ? "unreadable" : "one copy")")
        }
        let rest = unreadableFiles + lastCopyFiles - min(filesMax, listed.count)
        if rest > 0, filesMax > 0 { Output.line("  … and \(rest) more") }
    }
}
