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
    @Option(help: "Where data and disks are; it needs ten times the size.") var folder: String?
    @Option(help: "The depot binary; the one beside this program otherwise.") var depot: String?
    @Option(help: "Write the results as JSON.") var json: String?
    @Option(help: "Draw s/GiB of each case beside its floor, or how costs grow, as SVG.")
    var plot: String?
    @Option(help: "Only cases whose name contains this.") var only: String?
    @Option(
        help: ArgumentHelp(
            "Programs to run on the same data where they are installed: "
                + Rival.all.map(\.name).joined(separator: ","), valueName: "names"))
    var compare: String?
    @Option(help: "Replicas.") var replicas = 3
    @Option(
        help:
            "How often each case is measured; its cheapest run is shown. A disturbance only ever adds."
    )
    var runs = 1
    @Flag(help: "Have daemons and clients speak TLS with each other.") var tls = false
    @Flag(help: "A run of seconds that shows that everything works. Its figures mean nothing.")
    var smoke = false
    @Flag(
        help:
            "Measure how costs grow with the file, the chunks and the clients, and not the cases.")
    var scale = false
    @Option(help: "MiB of the largest file of --scale; it needs twice the size.")
    var scaleSize = 10_240
    @Option(help: "The most chunks that --scale puts into a catalog.") var scaleChunks = 10_000_000

    private var sizes: (large: Int, files: Int) { smoke ? (32, 400) : (size, files) }

    func validate() throws {
        guard runs > 0 else { throw ValidationError("--runs is at least 1, found \(runs)") }
        guard runs == 1 || !scale else { throw ValidationError("--scale makes one run") }
    }

    func run() throws {
        // Before anything is started.
        _ = Traffic.isAlone
        let place = try Workplace(in: folder)
        defer { place.remove() }
        var report = Report(
            size: sizes.large, files: sizes.files, replicas: replicas, runs: runs,
            isSecure: tls)
        print(report.machine.joined(separator: "\n"))
        print(Report.head)
        let cases = Cases(
            data: BenchmarkData(folder: place.path("data")), mebibytes: sizes.large,
            files: sizes.files, corpus: corpus, replicas: replicas,
            executable: depot ?? Workplace.sibling("depot"), place: place, only: only, isSecure: tls
        )
        let outcome = Result { try scale ? grow(cases, &report) : measure(cases, &report) }
        // What was measured before something failed took long enough.
        if let json { try report.writeJSON(to: json) }
        if let plot { try report.writePlot(to: plot) }
        try outcome.get()
    }

    private func grow(_ cases: Cases, _ report: inout Report) throws {
        let growth = Scale(
            cases: cases, sizeMax: smoke ? 10 : scaleSize,
            chunksMax: smoke ? 10_000 : scaleChunks)
        try growth.run({ report.add([$0]) }, draw: { report.add($0) })
    }

    private func measure(_ cases: Cases, _ report: inout Report) throws {
        if runs == 1 {
            return try measure(cases) {
                report.add([$0])
            } note: {
                report.note($0)
            }
        }
        var cheapest = CheapestRuns()
        for _ in 0..<runs {
            try measure(cases) {
                cheapest.add($0)
            } note: {
                cheapest.note($0)
            }
        }
        for item in cheapest.items {
            switch item {
            case .measurement(let one): report.add([one])
            case .note(let line): report.note(line)
            }
        }
    }

    private func measure(
        _ cases: Cases, add: (Measurement) -> Void, note: (String) -> Void
    ) throws {
        let file = try cases.data.large(mebibytes: sizes.large)
        try Floors.measure(in: cases.place, bytes: sizes.large << 20, data: file).forEach(add)
        try Stages.measure(
            in: cases.place, mebibytes: smoke ? 32 : 512, chunks: smoke ? 10_000 : 100_000
        ).forEach(add)
        try cases.run(add)
        guard let compare else { return }
        let comparison = Comparison(
            data: cases.data, mebibytes: sizes.large, files: sizes.files, corpus: corpus,
            place: cases.place)
        try comparison.run(
            compare.split(separator: ",").map(String.init), report: add, note: note)
    }
}
