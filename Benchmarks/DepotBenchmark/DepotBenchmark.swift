import ArgumentParser
import Foundation

/// Measures the shipping daemons, as processes on this machine, against floors that are measured in the same run.
@main
struct DepotBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "depot-benchmark",
        abstract:
            "What depot costs: CPU seconds per GiB over all processes, beside what the machine must spend.",
        discussion: """
            The unit that repeats is CPU seconds per GiB (s/GiB); MB/s means something on a quiet machine only. \
            Everything is durable when its time ends. Data is made from a seed: incompressible, so that nothing \
            can be saved by accident.
            """)

    @Option(help: "MiB of the large file.") var size = 1_024
    @Option(help: "Small files, of 1 to 32 KiB.") var files = 20_000
    @Option(help: "A folder whose files are deposited, too: a real tree.") var corpus: String?
    @Option(help: "Where data and disks are; it needs five times the size.") var folder: String?
    @Option(help: "The depot binary; the one beside this program otherwise.") var depot: String?
    @Option(help: "Write the results as JSON.") var json: String?
    @Option(help: "Draw s/GiB of each case beside its floor.") var plot: String?
    @Option(help: "Only cases whose name contains this.") var only: String?
    @Option(
        help: ArgumentHelp(
            "Programs to run on the same data where they are installed: "
                + Rival.all.map(\.name).joined(separator: ","), valueName: "names"))
    var compare: String?
    @Option(help: "Replicas.") var replicas = 3
    @Flag(help: "A run of seconds that shows that everything works. Its figures mean nothing.")
    var smoke = false

    func run() throws {
        // Before anything is started.
        _ = Traffic.isAlone
        let size = smoke ? 32 : size
        let files = smoke ? 400 : files
        let place = try Workplace(in: folder)
        defer { place.remove() }
        let executable = depot ?? Workplace.sibling("depot")
        let data = BenchmarkData(folder: place.path("data"))
        var report = Report(size: size, files: files, replicas: replicas)
        print(report.machine)
        print(Report.head)

        let floors = try Floors.measure(
            in: place, bytes: size << 20, data: data.large(mebibytes: size))
        report.add(floors)
        report.add(
            try Stages.measure(mebibytes: smoke ? 32 : 512, chunks: smoke ? 10_000 : 100_000))
        report.notePrices()
        let cases = Cases(
            data: data, mebibytes: size, files: files, corpus: corpus, replicas: replicas,
            executable: executable, place: place, only: only)
        try cases.run { report.add([$0]) }

        if let compare {
            try Comparison(data: data, mebibytes: size, files: files, place: place).run(
                compare.split(separator: ",").map(String.init), report: { report.add([$0]) },
                note: { report.note($0) })
        }

        if let json { try report.writeJSON(to: json) }
        if let plot { try report.writePlot(to: plot) }
    }
}
