import Foundation

/// How costs grow with the file, with the chunks that are known, and with the clients.
struct Scale {
    let cases: Cases
    /// MiB of the largest file.
    let sizeMax: Int
    private static let storeChunksMax = 1_000_000
    /// The most chunks of a catalog.
    let chunksMax: Int

    /// - Parameter draw: takes panels as they get ready.
    func run(_ report: (Measurement) -> Void, draw: ([Panel]) -> Void) throws {
        draw(try FileScale(cases: cases).run(sizeMax: sizeMax, report))
        var starts = Panel(
            "Start, files in the page cache", x: Axis("chunks", .decades),
            y: Axis("seconds until it listens", .decades))
        draw([
            try CatalogScale(cases: cases).run(chunksMax: chunksMax, starts: &starts, report)
        ])
        try StoreScale(cases: cases).run(
            chunksMax: min(chunksMax, Self.storeChunksMax), starts: &starts, report)
        draw([starts])
        draw(try clients(report))
    }

    private func clients(_ report: (Measurement) -> Void) throws -> [Panel] {
        let x = Axis("clients at the same time", .doublings)
        var large = Panel(
            "\(cases.mebibytes) MiB, level \(cases.levelMax)", x: x, y: Axis("CPU s/GiB", .linear))
        var small = Panel(
            "\(cases.files) small files, level \(cases.levelMax)", x: x,
            y: Axis("files a second", .linear))
        for clients in [1, 2, 4, 8, 16] {
            try cases.together(clients) { one in
                report(one)
                let line = one.name.split(separator: ",").first.map(String.init) ?? one.name
                if one.operations > 1 {
                    small.add(line, x: Double(clients), y: one.operationsPerSecond)
                } else {
                    large.add(line, x: Double(clients), y: one.cpuPerGiB ?? 0)
                }
            }
        }
        return [large, small]
    }
}

/// One file of 1 MiB to 10 GiB, at level 1: so that the disk needs to take it only twice.
struct FileScale {
    private static let sizes = [1, 10, 100, 1_024, 10_240]
    /// Short runs are repeated, with other bytes, until they come to this many MiB.
    private static let enough = 20

    let cases: Cases

    func run(sizeMax: Int, _ report: (Measurement) -> Void) throws -> [Panel] {
        let x = Axis("MiB of one file", .decades)
        var costs = Panel("One file, level 1", x: x, y: Axis("CPU s/GiB", .decades))
        var peaks = Panel("Peak memory with one file", x: x, y: Axis("MiB", .linear))
        for size in Self.sizes where size <= sizeMax {
            for (line, one) in try measure(size) {
                report(one)
                costs.add(line, x: Double(size), y: one.cpuPerGiB ?? 0)
                guard line != "deposit again" else { continue }
                let verb = line.split(separator: " ").first ?? ""
                peaks.add("client, \(verb)", x: Double(size), y: one.client.peakMiB)
                peaks.add("FileServer, \(verb)", x: Double(size), y: one.server.peakMiB)
                peaks.add("replica, \(verb)", x: Double(size), y: one.replicas.peakMiB)
            }
        }
        return [costs, peaks]
    }

    private func measure(_ size: Int) throws -> [(String, Measurement)] {
        let lines: [(String, (_ file: String, _ name: String) -> [String])] = [
            ("deposit new", { ["deposit", $0, "1", "--as", $1] }),
            ("deposit again", { ["deposit", $0, "1", "--as", "\($1)-again"] }),
            ("retrieve", { ["retrieve", $1, "-o", "/dev/null"] }),
        ]
        let cluster = try cases.cluster()
        defer { cluster.stop() }
        var sums: [Measurement?] = lines.map { _ in nil }
        for number in 0..<max(1, Self.enough / size) {
            let file = try cases.data.part(number, mebibytes: size)
            defer { try? FileManager.default.removeItem(atPath: file) }
            for (index, (line, arguments)) in lines.enumerated() {
                try cases.settle()
                let one = try cluster.run(
                    "\(line), \(size) MiB", bytes: UInt64(size) << 20,
                    clients: [arguments(file, "file-\(number)")])
                sums[index] = sums[index].map { $0 + one } ?? one
            }
        }
        return zip(lines, sums).compactMap { line, sum in
            guard var sum else { return nil }
            sum.operations = 1
            return (line.0, sum)
        }
    }
}
