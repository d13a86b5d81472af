import Foundation

extension Cases {
    private static let namesListed = 1_000

    func smallFiles(_ report: (Measurement) -> Void) throws {
        guard isWanted("small files in", "small files out", "names listed") else { return }
        try tree(try data.small(count: files), "small files", report)
    }

    /// Many files in and out, and their names.
    func tree(_ folder: String, _ what: String, _ report: (Measurement) -> Void) throws {
        let (count, bytes) = BenchmarkData.bytes(ofTree: folder)
        let cluster = try cluster()
        defer { cluster.stop() }
        let level = "\(levelMax)"
        let back = try place.fresh("back")
        func add(_ name: String, bytes: UInt64, operations: Int, _ arguments: [String]) throws {
            try settle()
            report(
                try cluster.run(name, bytes: bytes, operations: operations, clients: [arguments]))
        }
        let deposit = ["deposit", folder, level, "-r", "--as", "tree"]
        try add("\(what) in, level \(level)", bytes: bytes, operations: count, deposit)
        try add("\(what) in again", bytes: bytes, operations: count, deposit)
        try add(
            "\(what) out", bytes: bytes, operations: count, ["retrieve", "tree", "-r", "-o", back])
        try add("\(what): all names listed", bytes: 0, operations: count, ["list"])
        try unchanged(folder, what, deposit + ["--settled", "2s"]) {
            try add($0, bytes: $1, operations: $2, $3)
        }
        guard what == "small files", count >= Self.namesListed else { return }
        try add(
            "a thousand names listed", bytes: 0, operations: Self.namesListed, ["list", "tree/0/"])
    }

    /// A tree that is deposited day after day, where little or nothing has changed.
    private func unchanged(
        _ folder: String, _ what: String, _ deposit: [String],
        _ add: (String, UInt64, Int, [String]) throws -> Void
    ) throws {
        let (count, bytes) = BenchmarkData.bytes(ofTree: folder)
        // What was changed just now is read once more; then all of it is remembered.
        BenchmarkData.letSettle()
        try add("\(what) remembered", bytes, count, deposit)
        try add("\(what) unchanged", bytes, count, deposit)
        try BenchmarkData.change(folder)
        BenchmarkData.letSettle()
        try add("\(what) 1 % changed", bytes, count, deposit)
    }

    /// Several clients at once, each with bytes and files that nobody else has.
    func together(_ clients: Int, _ report: (Measurement) -> Void) throws {
        let crowd = clients == 1 ? "1 client" : "\(clients) clients"
        let (deposit, retrieve) = (
            "deposit new, level \(levelMax), \(crowd)", "retrieve, \(crowd)"
        )
        let (filesIn, filesOut) = ("small files in, \(crowd)", "small files out, \(crowd)")
        guard isWanted(deposit, retrieve, filesIn, filesOut) else { return }
        let cluster = try cluster()
        defer { cluster.stop() }
        func add(
            _ name: String, bytes: UInt64, operations: Int = 1, _ arguments: (Int) -> [String]
        ) throws {
            try settle()
            report(
                try cluster.run(
                    name, bytes: bytes, operations: operations,
                    clients: (0..<clients).map(arguments)))
        }
        let each = max(1, mebibytes / clients)
        let parts = try (0..<clients).map { try data.part($0, mebibytes: each) }
        let bytes = UInt64(each * clients) << 20
        try add(deposit, bytes: bytes) {
            ["deposit", parts[$0], "\(levelMax)", "--as", "part-\($0)"]
        }
        try add(retrieve, bytes: bytes) { ["retrieve", "part-\($0)", "-o", "/dev/null"] }
        try filesTogether(clients, filesIn, filesOut, add)
    }

    private func filesTogether(
        _ clients: Int, _ filesIn: String, _ filesOut: String,
        _ add: (String, UInt64, Int, (Int) -> [String]) throws -> Void
    ) throws {
        let trees = try (0..<clients).map {
            try data.small(count: max(1, files / clients), number: $0)
        }
        let totals = trees.map(BenchmarkData.bytes(ofTree:))
        let (count, bytes) = (
            totals.map(\.files).reduce(0, +), totals.map(\.bytes).reduce(0, +)
        )
        let back = try place.fresh("back")
        try add(filesIn, bytes, count) {
            ["deposit", trees[$0], "\(levelMax)", "-r", "--as", "tree-\($0)"]
        }
        try add(filesOut, bytes, count) {
            ["retrieve", "tree-\($0)", "-r", "-o", "\(back)/\($0)"]
        }
    }
}
