import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell how the replicas are, and what is stored.")

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
        let status = try await options.client().status()
        if options.output.json { return Output.json(status) }
        guard !options.output.quiet else { return }
        var rows = [["REPLICA", "ZONE", "STATE", "USED", "FREE", "CHUNKS", "ID"]]
        let isSecure = status.replicas.contains { $0.certificateDaysLeft != nil }
        if isSecure { rows[0].append("CERTIFICATE") }
        for replica in status.replicas {
            rows.append([
                replica.name, replica.zone, replica.state.rawValue,
                "\(ByteCount(replica.usedBytes))",
                "\(ByteCount(replica.freeBytes))", "\(replica.chunks)",
                replica.id.map { String($0.description.prefix(8)) } ?? "-",
            ])
            guard isSecure else { continue }
            rows[rows.count - 1].append(replica.certificateDaysLeft.map(Self.days) ?? "-")
        }
        Output.table(rows, rightAligned: [3, 4, 5])
        for replica in status.replicas {
            if let problem = replica.problem { Output.line("\(replica.name): \(problem)") }
        }
        if let problem = status.problem { Output.line(problem) }
        if let left = status.certificateDaysLeft {
            Output.line("the FileServer's certificate: \(Self.days(left))")
        }
        Output.line("")
        Output.line(
            "\(Output.plural(status.files, "name")), \(ByteCount(status.logicalBytes)); unique "
                + "\(ByteCount(status.uniqueBytes)), stored \(ByteCount(status.storedBytes)) with "
                + "all copies")
        if let versions = status.versions?.wrappedValue, let bytes = status.versionBytes,
            versions > 0
        {
            Output.line(
                "\(Output.plural(versions, "version")) of files as they were, \(bytes) in chunks that "
                    + "nothing else uses" + Self.next(status.versionSecondsLeft?.wrappedValue))
        }
        if status.underReplicated > 0 {
            Output.line(
                "\(Output.plural(status.underReplicated, "chunk")) with fewer good copies than "
                    + "wanted")
        }
    }
}
