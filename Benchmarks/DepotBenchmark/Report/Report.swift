import Foundation

/// All measurements of a run, for people and for machines.
struct Report: Encodable {
    let date: String
    let processor: String
    let cores: Int
    let mebibytes: Int
    let files: Int
    let replicas: Int
    private(set) var measurements: [Measurement] = []
    private var prices: Prices?

    enum CodingKeys: CodingKey {
        case date, processor, cores, mebibytes, files, replicas, measurements
    }

    init(size: Int, files: Int, replicas: Int) {
        date = Date.now.formatted(.iso8601.year().month().day())
        cores = ProcessInfo.processInfo.activeProcessorCount
        mebibytes = size
        self.files = files
        self.replicas = replicas
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        processor =
            lines.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    }

    var machine: String {
        "\(date)  \(processor), \(cores) cores  \(mebibytes) MiB, \(files) small files, \(replicas) replicas"
    }

    mutating func add(_ more: [Measurement]) {
        for one in more {
            let priced = prices?.priced(one) ?? one
            print(Self.row(priced))
            fflush(nil)
            measurements.append(priced)
        }
    }

    /// From here on cases get their floors from what was measured so far.
    mutating func notePrices() { prices = Prices(measurements) }

    static let head =
        pad("case", 34) + left("MB/s", 9) + left("ops/s", 10) + left("s/GiB", 8) + left("floor", 8)
        + left("client", 8) + left("server", 8) + left("replicas", 10) + left("peaks in MiB", 18)

    private static func row(_ one: Measurement) -> String {
        let perGiB = { (cpu: Double) in
            one.bytes > 0 ? String(format: "%.2f", cpu / one.gibibytes) : "–"
        }
        let peaks = [one.client, one.server, one.replicas].map { Int($0.peakMiB) }
        return pad(one.name, 34)
            + left(one.bytes > 0 ? String(format: "%.0f", one.megabytesPerSecond) : "–", 9)
            + left(one.operations > 1 ? String(format: "%.0f", one.operationsPerSecond) : "–", 10)
            + left(one.cpuPerGiB.map { String(format: "%.2f", $0) } ?? "–", 8)
            + left(one.floor.map { String(format: "%.2f", $0) } ?? "–", 8)
            + left(perGiB(one.client.cpu), 8) + left(perGiB(one.server.cpu), 8)
            + left(perGiB(one.replicas.cpu), 10)
            + left(
                peaks.contains { $0 > 0 } ? peaks.map(String.init).joined(separator: " / ") : "–",
                18)
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
