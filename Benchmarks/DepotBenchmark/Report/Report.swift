import Foundation

/// All measurements of a run, for people and for machines.
struct Report: Encodable {
    let date: String
    let processor: String
    let cores: Int
    let mebibytes: Int
    let files: Int
    let replicas: Int
    /// How often each case was measured.
    let runs: Int
    /// Whether daemons and clients speak TLS with each other.
    let isSecure: Bool
    /// How bytes were counted.
    let methods = [
        Traffic.method,
        "stored: by how much the sizes of the files in the stores' folders have grown, all copies together",
    ]
    private(set) var measurements: [Measurement] = []
    /// What has no figures, and why.
    private(set) var notes: [String] = []
    private(set) var panels: [Panel] = []
    private var prices: Prices?

    enum CodingKeys: CodingKey {
        case date, processor, cores, mebibytes, files, replicas, runs, isSecure, methods,
            measurements,
            panels,
            notes
    }

    init(size: Int, files: Int, replicas: Int, runs: Int, isSecure: Bool) {
        date = Date.now.formatted(.iso8601.year().month().day())
        cores = ProcessInfo.processInfo.activeProcessorCount
        mebibytes = size
        self.files = files
        self.replicas = replicas
        self.runs = runs
        self.isSecure = isSecure
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        processor =
            lines.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    }

    /// On what and how it was measured.
    var machine: [String] {
        [
            "\(date)  \(processor), \(cores) cores  \(mebibytes) MiB, \(files) small files, \(replicas) replicas"
        ] + (isSecure ? ["TLS 1.3 on all links"] : [])
            + (runs > 1 ? ["each case: the cheapest of \(runs) runs, and the highest peaks"] : [])
            + methods
    }

    mutating func add(_ more: [Panel]) { panels += more }

    mutating func note(_ line: String) {
        print(line)
        fflush(nil)
        notes.append(line)
    }

    mutating func add(_ more: [Measurement]) {
        for one in more {
            // Cases get their floors from what was measured before them.
            prices = prices ?? Prices(measurements)
            let priced = prices?.priced(one) ?? one
            print(Self.row(priced))
            fflush(nil)
            measurements.append(priced)
        }
    }

    private static let nameWidth = 44

    private typealias Column = (
        head: String, width: Int, text: @Sendable (Measurement) -> String?
    )

    /// What the table shows of a measurement, with its width.
    private static let columns: [Column] = [
        ("seconds", 9, { figure($0.seconds, 2) }),
        ("MB/s", 8, { $0.bytes > 0 ? figure($0.megabytesPerSecond, 0) : nil }),
        ("ops/s", 9, { $0.operations > 1 ? figure($0.operationsPerSecond, 0) : nil }),
        ("µs/op", 8, { $0.operations > 1 ? figure($0.cpuPerOperation * 1e6, 1) : nil }),
        ("s/GiB", 8, { $0.cpuPerGiB.map { figure($0, 2) } }),
        ("floor", 7, { $0.floor.map { figure($0, 2) } }),
        ("client", 8, { perGiB($0.client.cpu, $0) }),
        ("server", 8, { perGiB($0.server.cpu, $0) }),
        ("replicas", 10, { perGiB($0.replicas.cpu, $0) }),
        ("sent MiB", 10, { $0.sent.map { mebibytes(Double($0)) } }),
        ("stored MiB", 12, { $0.stored.map { mebibytes(Double($0)) } }),
        ("peaks in MiB", 18, { peaks($0) }),
    ]

    static let head =
        pad("case", nameWidth) + columns.map { left($0.head, $0.width) }.joined()

    private static func row(_ one: Measurement) -> String {
        pad(one.name, nameWidth) + columns.map { left($0.text(one) ?? "–", $0.width) }.joined()
    }

    private static func figure(_ value: Double, _ places: Int) -> String {
        String(format: "%.\(places)f", value)
    }

    private static func mebibytes(_ bytes: Double) -> String { figure(bytes / 1_048_576, 1) }

    private static func perGiB(_ cpu: Double, _ one: Measurement) -> String? {
        one.bytes > 0 ? figure(cpu / one.gibibytes, 2) : nil
    }

    private static func peaks(_ one: Measurement) -> String? {
        let peaks = [one.client, one.server, one.replicas].map { Int($0.peakMiB) }
        return peaks.contains { $0 > 0 } ? peaks.map(String.init).joined(separator: " / ") : nil
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    func writeJSON(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }
}
