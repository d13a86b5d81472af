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
    let isSecure: Bool

    func run(_ report: (Measurement) -> Void) throws {
        for level in [1, 2] where level < levelMax { try depositNew(level, report) }
        try large(report)
        try levels(report)
        try versions(report)
        try smallFiles(report)
        if let corpus, isWanted("a real tree") {
            try tree(data.copy(of: corpus), "a real tree", report)
        }
        for clients in [1, 4, 16] { try together(clients, report) }
    }

    /// The highest level of the cases.
    var levelMax: Int { min(3, replicas) }

    /// Whether a case of that name was asked for.
    func isWanted(_ names: String...) -> Bool {
        only.map { only in names.contains { $0.contains(only) } } ?? true
    }

    func cluster() throws -> Cluster {
        try Cluster(
            executable, replicas: replicas, in: place.fresh("cluster"), isSecure: isSecure)
    }

    private var bytes: UInt64 { UInt64(mebibytes) << 20 }

    /// What was written by others is out of the way before the clock starts.
    func settle() throws { try measured("/usr/bin/sync", []) }

    // MARK: One large file

    private func depositNew(_ level: Int, _ report: (Measurement) -> Void) throws {
        let name = "deposit new, level \(level)"
        guard isWanted(name) else { return }
        let file = try data.large(mebibytes: mebibytes)
        let cluster = try cluster()
        defer { cluster.stop() }
        try settle()
        report(
            try cluster.run(
                name, bytes: bytes, clients: [["deposit", file, "\(level)", "--as", "large"]]))
    }

    /// One cluster at the highest level, in the order in which each finds what the one before left.
    private func large(_ report: (Measurement) -> Void) throws {
        let file = try data.large(mebibytes: mebibytes)
        let shifted = try data.shifted(mebibytes: mebibytes)
        let back = place.path("back")
        let level = "\(levelMax)"
        let cases: [(name: String, arguments: [String])] = [
            ("deposit again", ["deposit", file, level, "--as", "again"]),
            ("deposit shifted", ["deposit", shifted, level, "--as", "shifted"]),
            ("retrieve to /dev/null", ["retrieve", "large", "-o", "/dev/null"]),
            ("retrieve to a file", ["retrieve", "large", "-o", back]),
        ]
        let (new, verify, bad) = (
            "deposit new, level \(level)", "verify, unpaced", "retrieve, bad copies"
        )
        let names = cases.map(\.name) + [new, verify, bad]
        guard names.contains(where: { isWanted($0) }) else { return }
        let cluster = try cluster()
        defer { cluster.stop() }
        func add(_ name: String, bytes: UInt64, _ arguments: [String]) throws {
            try settle()
            report(try cluster.run(name, bytes: bytes, clients: [arguments]))
        }
        try add(new, bytes: bytes, ["deposit", file, level, "--as", "large"])
        for one in cases where isWanted(one.name) { try add(one.name, bytes: bytes, one.arguments) }
        try? FileManager.default.removeItem(atPath: back)
        if isWanted(verify) {
            try Workplace.dropCaches()
            try add(verify, bytes: bytes * UInt64(levelMax), ["verify", "--unpaced"])
        }
        guard isWanted(bad) else { return }
        try flip(cluster)
        try add(bad, bytes: bytes, ["retrieve", "large", "-o", "/dev/null"])
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

    // MARK: Levels and versions

    private func levels(_ report: (Measurement) -> Void) throws {
        let name = "level 2 to 3"
        guard replicas >= 3, isWanted(name) else { return }
        let cluster = try cluster()
        defer { cluster.stop() }
        let file = try data.large(mebibytes: mebibytes)
        _ = try cluster.run("", bytes: 0, clients: [["deposit", file, "2", "--as", "large"]])
        try settle()
        report(
            try cluster.run(name, bytes: bytes, clients: [["change-replication", "large", "3"]]))
    }

    /// One after the other, so that each is deposited where the ones before it are known.
    private func versions(_ report: (Measurement) -> Void) throws {
        let name = "\(BenchmarkData.versions) versions of a tar"
        guard isWanted(name) else { return }
        let cluster = try cluster()
        defer { cluster.stop() }
        var all: Measurement?
        for (number, file) in try data.versions(mebibytes: mebibytes).enumerated() {
            try settle()
            let size =
                (try FileManager.default.attributesOfItem(atPath: file)[.size] as? UInt64) ?? 0
            let one = try cluster.run(
                name, bytes: size,
                clients: [["deposit", file, "\(levelMax)", "--as", "version-\(number)"]])
            all = all.map { $0 + one } ?? one
        }
        all?.operations = 1
        if let all { report(all) }
    }
}
