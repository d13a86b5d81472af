import DepotClient
import DepotCore
import DepotWire

/// `depot verify --coverage`: how much of what is stored was read lately.
struct Coverage {
    private static let days = 30

    let client: FileServerClient
    let output: OutputOptions

    func run() async throws {
        let coverage = try await client.coverage(days: Self.days)
        if output.json { return Output.json(coverage) }
        guard !output.quiet else { return }
        var rows = [["REPLICA", "COPIES", "CHECKED", "OLDEST", "PACE"]]
        for replica in coverage.replicas {
            let share =
                replica.copies > 0
                ? "\(100 * replica.checkedCopies / replica.copies) %" : "-"
            let oldest = replica.oldestDays.map { "\(Count(rounding: $0)) d" } ?? "never"
            rows.append([
                replica.name, "\(replica.copies)", share, replica.copies > 0 ? oldest : "-",
                "\(ByteCount(rounding: replica.bytesPerDay))/day",
            ])
        }
        Output.table(rows, rightAligned: [1, 2, 3, 4])
        Output.line("")
        Output.line(
            "CHECKED: share of the copies that was read and hashed in the last \(coverage.days) "
                + "days")
    }
}
