import Foundation

/// The whole, as users see it: the `depot` command against real daemons.
struct Cases {
    let data: BenchmarkData
    let mebibytes: Int
    let files: Int
    let corpus: String?
    let replicas: Int
    let executable: String
    let place: Workplace
    let only: String?

    func run(_ report: (Measurement) -> Void) throws {
        try large(report)
        try levels(report)
        try smallFiles(report)
        if let corpus { try tree(corpus, report) }
    }

    private func isWanted(_ name: String) -> Bool { only.map(name.contains) ?? true }

    private func cluster() throws -> Cluster {
        try Cluster(executable, replicas: replicas, in: place.fresh("cluster"))
    }

    private var bytes: UInt64 { UInt64(mebibytes) << 20 }

    /// What was written by others is out of the way before the clock starts.
    private func settle() throws { try measured("/usr/bin/sync", []) }

    // MARK: One large file

    private func large(_ report: (Measurement) -> Void) throws {
        let file = try data.large(mebibytes: mebibytes)
        for level in Set([1, 2, min(3, replicas)]).sorted() {
            let name = "deposit new, level \(level)"
            guard isWanted(name) || level == 3 else { continue }
            let cluster = try cluster()
            try settle()
            let new = try cluster.run(
                name, bytes: bytes, clients: [["deposit", file, "\(level)", "--as", "large"]])
            report(new)
            if level == min(3, replicas) { try rest(cluster, file, level, report) }
            cluster.stop()
        }
        for clients in [4, 16] where isWanted("\(clients) clients") {
            try together(clients, report)
        }
    }

    private func rest(
        _ cluster: Cluster, _ file: String, _ level: Int, _ report: (Measurement) -> Void
    ) throws {
        let shifted = try data.shifted(mebibytes: mebibytes)
        let back = place.path("back")
        func add(_ name: String, _ arguments: [String], allowed: Set<Int32> = [0]) throws {
            guard isWanted(name) else { return }
            try settle()
            report(try cluster.run(name, bytes: bytes, clients: [arguments], allowed: allowed))
        }
        try add("deposit again", ["deposit", file, "\(level)", "--as", "again"])
        try add("deposit shifted", ["deposit", shifted, "\(level)", "--as", "shifted"])
        try add("retrieve to /dev/null", ["retrieve", "large", "-o", "/dev/null"])
        try add("retrieve to a file", ["retrieve", "large", "-o", back])
        try? FileManager.default.removeItem(atPath: back)
        if isWanted("verify") {
            try settle()
            try measured("/bin/sh", ["-c", "echo 3 >/proc/sys/vm/drop_caches || true"])
            report(
                try cluster.run(
                    "verify, unpaced", bytes: bytes * UInt64(level),
                    clients: [["verify", "--unpaced"]]))
        }
        try flip(cluster)
        try add("retrieve, bad copies", ["retrieve", "large", "-o", "/dev/null"])
    }

    /// Flips a bit in every eighth MiB of one replica.
    private func flip(_ cluster: Cluster) throws {
        let folder = cluster.segments(ofReplica: 0)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(folder)/\(name)"))
            defer { try? file.close() }
            let size = try file.seekToEnd()
            for place in stride(from: UInt64(4 << 20), to: size, by: 8 << 20) {
                try file.seek(toOffset: place)
                guard let byte = try file.read(upToCount: 1)?.first else { break }
                try file.seek(toOffset: place)
                try file.write(contentsOf: [byte ^ 0x10])
            }
        }
    }

    /// Several clients at once, each with a part of the bytes that nobody else has.
    private func together(_ clients: Int, _ report: (Measurement) -> Void) throws {
        let each = max(1, mebibytes / clients)
        let cluster = try cluster()
        let files = try (0..<clients).map { try data.part($0, mebibytes: each) }
        let all = UInt64(each * clients) << 20
        try settle()
        report(
            try cluster.run(
                "deposit new, level \(min(3, replicas)), \(clients) clients", bytes: all,
                clients: files.enumerated().map {
                    ["deposit", $0.element, "\(min(3, replicas))", "--as", "part-\($0.offset)"]
                }))
        try settle()
        report(
            try cluster.run(
                "retrieve, \(clients) clients", bytes: all,
                clients: files.indices.map { ["retrieve", "part-\($0)", "-o", "/dev/null"] }))
        cluster.stop()
    }

    // MARK: Levels

    private func levels(_ report: (Measurement) -> Void) throws {
        guard replicas >= 3, isWanted("level 2 to 3") else { return }
        let cluster = try cluster()
        let file = try data.large(mebibytes: mebibytes)
        _ = try cluster.run("", bytes: 0, clients: [["deposit", file, "2", "--as", "large"]])
        try settle()
        report(
            try cluster.run(
                "level 2 to 3", bytes: bytes, clients: [["change-replication", "large", "3"]]))
        cluster.stop()
    }

    // MARK: Many files

    private func smallFiles(_ report: (Measurement) -> Void) throws {
        guard isWanted("small files") else { return }
        try folder(try data.small(count: files), "small files", report)
    }

    private func tree(_ corpus: String, _ report: (Measurement) -> Void) throws {
        guard isWanted("tree") else { return }
        try folder(corpus, "a real tree", report)
    }

    private func folder(
        _ folder: String, _ what: String, _ report: (Measurement) -> Void
    ) throws {
        let (count, bytes) = BenchmarkData.bytes(ofTree: folder)
        let cluster = try cluster()
        let level = "\(min(3, replicas))"
        try settle()
        report(
            try cluster.run(
                "\(what) in, level \(level)", bytes: bytes, operations: count,
                clients: [["deposit", folder, level, "-r", "--as", "tree"]]))
        report(
            try cluster.run(
                "\(what) in again", bytes: bytes, operations: count,
                clients: [["deposit", folder, level, "-r", "--as", "tree"]]))
        let back = try place.fresh("back")
        report(
            try cluster.run(
                "\(what) out", bytes: bytes, operations: count,
                clients: [["retrieve", "tree", "-r", "-o", back]]))
        report(
            try cluster.run(
                "\(what): names listed", bytes: 0, operations: count, clients: [["list"]]))
        try? FileManager.default.removeItem(atPath: back)
        cluster.stop()
    }
}
