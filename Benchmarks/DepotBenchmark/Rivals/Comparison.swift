import Foundation

/// Other programs on the same data in the same run. Each of their cases that writes ends with a sync of the file system,
/// inside of the time: ours are durable, too.
struct Comparison {
    /// The name under which a folder is put into a store.
    static let treeName = "tree"

    let data: BenchmarkData
    let mebibytes: Int
    let files: Int
    let corpus: String?
    let place: Workplace

    /// - Parameter note: takes a line about what has no figures.
    func run(
        _ names: [String], report: (Measurement) -> Void, note: (String) -> Void
    ) throws {
        for name in names {
            guard let rival = Rival.all.first(where: { $0.name == name }) else {
                let known = Rival.all.map(\.name).joined(separator: ", ")
                note("\(name): not known; there are \(known)")
                continue
            }
            guard let executable = Self.find(rival.name) else {
                note("\(name): not installed; Debian has it as \(rival.package)")
                continue
            }
            do {
                note("\(try version(of: rival, executable)): \(rival.remark)")
                try run(rival, executable, report)
            } catch let error as CommandFailed {
                note("\(name): failed: \(error)")
            }
        }
    }

    private static func find(_ name: String) -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return folders.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private func version(of rival: Rival, _ executable: String) throws -> String {
        let pipe = Pipe()
        try measured(executable, rival.version, output: pipe.fileHandleForWriting)
        try pipe.fileHandleForWriting.close()
        let text = String(
            decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? rival.name
    }

    private func run(
        _ rival: Rival, _ executable: String, _ report: (Measurement) -> Void
    ) throws {
        let stand = try RivalStand(rival, executable, in: place.fresh(rival.name))
        defer { stand.remove() }
        let size = UInt64(mebibytes) << 20
        let large = try data.large(mebibytes: mebibytes)
        func add(
            _ what: String, bytes: UInt64, operations: Int = 1, cold: Bool = false,
            _ arguments: [String]?
        ) throws {
            guard let arguments else { return }
            try measured("/usr/bin/sync", [])
            if cold { try Workplace.dropCaches() }
            report(
                try stand.run(
                    "\(rival.name): \(what)", bytes: bytes, operations: operations, arguments))
        }
        let at = stand.place
        try add("back up new", bytes: size, rival.backUp(at, large, "new"))
        try add("back up again", bytes: size, rival.backUp(at, large, "again"))
        try add(
            "restore", bytes: size, rival.restore(at, large, "new", stand.emptyBack()))
        try add("verify", bytes: size, cold: true, rival.verify(at, large, "new"))
        let shifted = try data.shifted(mebibytes: mebibytes)
        try add("back up shifted", bytes: size, rival.backUp(at, shifted, "shifted"))
        let tree = try data.small(count: min(files, rival.filesMax))
        let (count, bytes) = BenchmarkData.bytes(ofTree: tree)
        try add(
            "small files in", bytes: bytes, operations: count,
            rival.backUp(at, tree, Self.treeName))
        try add(
            "small files out", bytes: bytes, operations: count,
            rival.restore(at, tree, Self.treeName, stand.emptyBack()))
        try dayAfterDay(tree, "small files", rival, at) {
            try add($0, bytes: $1, operations: $2, $3)
        }
        guard let corpus else { return }
        let real = try data.copy(of: corpus)
        try dayAfterDay(real, "a real tree", rival, at) {
            try add($0, bytes: $1, operations: $2, $3)
        }
    }

    /// As `Cases` has it.
    private func dayAfterDay(
        _ tree: String, _ what: String, _ rival: Rival, _ at: Rival.Place,
        _ add: (String, UInt64, Int, [String]?) throws -> Void
    ) throws {
        let (count, bytes) = BenchmarkData.bytes(ofTree: tree)
        func backUp(_ state: String) throws {
            let name = "\(what) \(state)"
            try add(name, bytes, count, rival.backUpKnown(at, tree, name.replacing(" ", with: "-")))
        }
        BenchmarkData.letSettle()
        for state in ["remembered", "unchanged"] { try backUp(state) }
        try BenchmarkData.change(tree)
        BenchmarkData.letSettle()
        try backUp("1 % changed")
    }
}

/// A rival with a store of its own.
private final class RivalStand {
    let place: Rival.Place
    private let executable: String
    private let environment: [String: String]
    private var server: Daemon?
    private var back: String { "\(place.folder)/back" }

    init(_ rival: Rival, _ executable: String, in folder: String) throws {
        self.executable = executable
        place = Rival.Place(folder: folder, port: try Workplace.freePort())
        environment = rival.environment(place)
        for folder in [place.store, place.scratch] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        }
        if let arguments = rival.setUp(place) {
            try measured(executable, arguments, environment: environment)
        }
        guard let arguments = rival.server(place) else { return }
        server = try Daemon(
            Command(executable: executable, arguments: arguments, environment: environment),
            waits: false)
        try Workplace.awaitPort(place.port)
    }

    /// But for the small files that came back; see `Workplace`.
    func remove() {
        server?.stop()
        for folder in [place.store, place.scratch] {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// A folder for what comes back, with nothing in it.
    func emptyBack() throws -> String {
        try? FileManager.default.removeItem(atPath: back)
        try FileManager.default.createDirectory(atPath: back, withIntermediateDirectories: true)
        return back
    }

    func run(
        _ name: String, bytes: UInt64, operations: Int, _ arguments: [String]
    ) throws -> Measurement {
        server?.forgetPeak()
        let (before, sent, stored) = (server?.usage ?? Usage(), Traffic.sent, self.stored)
        let inBack = FileManager.default.fileExists(atPath: back) ? back : place.folder
        let own = try measured([
            Command(
                executable: executable, arguments: arguments, environment: environment,
                folder: inBack)
        ])
        let sync = try measured("/usr/bin/sync", ["-f", place.folder])
        var measurement = Measurement(
            name: name, bytes: bytes, operations: operations, seconds: own.seconds + sync.seconds,
            client: own.usage + sync.usage, server: (server?.usage ?? Usage()).since(before),
            replicas: Usage())
        measurement.sent = Traffic.sent - sent
        measurement.stored = Int64(self.stored) - Int64(stored)
        return measurement
    }

    private var stored: UInt64 { BenchmarkData.bytes(ofTree: place.store).bytes }
}
