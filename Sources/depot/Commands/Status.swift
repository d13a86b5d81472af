import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell how the replicas are, and what is stored.",
        discussion: """
            What needs somebody comes first. With --watch it is told again every other second, \
            until it is interrupted.

            EXAMPLES:
              depot status
              depot status --watch
              depot status --json | jq .underReplicated
            """)

    private static let watchInterval = Duration.seconds(2)

    @Flag(help: "Tell it again and again; with --json a line each time.") var watch = false
    @OptionGroup var options: ServerOptions

    /// When versions go next.
    private static func next(_ seconds: Int?) -> String {
        guard let seconds else { return "" }
        let span = seconds >= 2 * 86_400 ? seconds / 86_400 * 86_400 : seconds / 3_600 * 3_600
        guard let left = try? TimeSpan("\(span / 3_600)h") else { return "" }
        return span == 0 ? "; the next go within the hour" : "; the next go in \(left)"
    }

    private static func days(_ left: Count) -> String {
        "\(Output.plural(left.wrappedValue, "day")) left"
    }

    func run() async throws {
        let client = try options.client()
        guard watch else { return show(try await client.status()) }
        try await Interruption.guarding(saying: "nothing was changed") {
            () async throws(DepotError) in
            // Nobody watches what cannot be written.
            while Output.failure == nil {
                let status = try await client.status()
                if !options.output.json { Output.beginPicture() }
                show(status)
                do { try await Task.sleep(for: Self.watchInterval) } catch { return }
            }
        }
    }

    private func show(_ status: StatusBody) {
        if options.output.json { return Output.json(status) }
        guard !options.output.quiet else { return }
        Self.showNeeds(status)
        Self.showReplicas(status.replicas)
        Output.line("")
        Self.showTotals(status)
    }

    /// What somebody has to do something about.
    private static func showNeeds(_ status: StatusBody) {
        var needs: [(String, Tone)] = []
        if let problem = status.problem { needs.append((problem, .bad)) }
        if status.underReplicated > 0 {
            needs.append(
                (
                    "\(Output.plural(status.underReplicated, "chunk")) with fewer good copies than "
                        + "wanted", .warning
                ))
        }
        for replica in status.replicas {
            if let problem = replica.problem {
                needs.append(("\(replica.name): \(problem)", replica.state.tone))
            }
        }
        for (problem, tone) in needs { Output.line(problem, tone) }
        if !needs.isEmpty { Output.line("") }
    }

    private static func showReplicas(_ replicas: [StatusBody.Replica]) {
        var rows = [["REPLICA", "ZONE", "STATE", "USED", "FREE", "CHUNKS", "ID"]]
        let isSecure = replicas.contains { $0.certificateDaysLeft != nil }
        if isSecure { rows[0].append("CERTIFICATE") }
        for replica in replicas {
            rows.append([
                replica.name, replica.zone, replica.state.rawValue,
                "\(ByteCount(replica.usedBytes))",
                "\(ByteCount(replica.freeBytes))", "\(replica.chunks)",
                replica.id.map { String($0.description.prefix(8)) } ?? "-",
            ])
            guard isSecure else { continue }
            rows[rows.count - 1].append(replica.certificateDaysLeft.map(days) ?? "-")
        }
        Output.table(rows, rightAligned: [3, 4, 5], cuttable: [0, 1]) { row, column in
            row > 0 && column == 2 ? replicas[row - 1].state.tone : .plain
        }
    }

    private static func showTotals(_ status: StatusBody) {
        Output.line(
            "\(Output.plural(status.files, "name")), \(ByteCount(status.logicalBytes)); unique "
                + "\(ByteCount(status.uniqueBytes)), stored \(ByteCount(status.storedBytes)) with "
                + "all copies")
        if let versions = status.versions?.wrappedValue, let bytes = status.versionBytes,
            versions > 0
        {
            Output.line(
                "\(Output.plural(versions, "version")) of files as they were, \(bytes) in chunks that "
                    + "nothing else uses" + next(status.versionSecondsLeft?.wrappedValue))
        }
        if let left = status.certificateDaysLeft {
            Output.line("the FileServer's certificate: \(days(left))")
        }
    }
}

extension StatusBody.Replica.State {
    fileprivate var tone: Tone {
        switch self {
        case .up: .good
        case .slow, .draining, .maintenance, .readOnly: .warning
        case .down, .lost, .refused: .bad
        }
    }
}
