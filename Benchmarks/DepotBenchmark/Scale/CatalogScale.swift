import DepotSQLiteCatalog
import Foundation

/// What a catalog does and how a FileServer starts, with a thousand to ten million chunks known.
struct CatalogScale {
    let cases: Cases

    func run(
        chunksMax: Int, starts: inout Panel, _ report: (Measurement) -> Void
    ) throws -> Panel {
        var panel = Panel(
            "Catalog, chunks of three copies", x: Axis("chunks in the catalog", .decades),
            y: Axis("CPU µs an operation", .decades))
        var chunks = 1_000
        while chunks <= chunksMax {
            let folder = try cases.place.fresh("catalog")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            for one in try measure(chunks, in: "\(folder)/s") {
                let line = one.name.split(separator: ":").last?.drop { $0 == " " } ?? ""
                if line != "fill" {
                    panel.add(String(line), x: Double(chunks), y: one.cpuPerOperation * 1e6)
                }
                report(one.named("\(one.name), \(chunks)"))
            }
            let start = try start(chunks, in: folder)
            starts.add("FileServer", x: Double(chunks), y: start.seconds)
            report(start)
            chunks *= 10
        }
        return panel
    }

    private func measure(_ chunks: Int, in folder: String) throws -> [Measurement] {
        try Stages.wait {
            let began = Stages.Beginning()
            let filled = try await FilledCatalog(chunks: chunks, in: folder)
            var fill = began.measurement("catalog: fill", bytes: 0, operations: chunks)
            fill.stored = Int64(BenchmarkData.bytes(ofTree: folder).bytes)
            let catalog = try await SQLiteCatalog.open(at: folder)
            // As a FileServer does once it has started.
            while try await catalog.learn() {}
            let found = try await CatalogStages(chunks: chunks).measure(catalog, filled)
            try catalog.close()
            return [fill] + found
        }
    }

    private func start(_ chunks: Int, in folder: String) throws -> Measurement {
        let environment = try Cluster.tokens(cases.executable, in: folder)
        return try Daemon.start(
            "start of a FileServer, \(chunks)",
            Command(
                executable: cases.executable, arguments: Cluster.server(in: "\(folder)/s"),
                environment: environment))
    }
}

extension Daemon {
    /// Until it listens; then it is stopped.
    static func start(_ name: String, _ command: Command) throws -> Measurement {
        let began = ContinuousClock.now
        let daemon = try Daemon(command)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let usage = daemon.usage
        daemon.stop()
        return Measurement(
            name: name, bytes: 0, operations: 1, seconds: seconds, client: Usage(), server: usage,
            replicas: Usage())
    }
}
