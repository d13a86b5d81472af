import Foundation

extension BenchmarkData {
    static let versions = 10

    /// Tar archives of a folder as it is edited: from one to the next, of a hundred files one is changed in the middle, one
    /// gets bytes inserted, one is written anew, one goes and one comes.
    ///
    /// - Parameter mebibytes: of all of them together, about.
    func versions(mebibytes: Int) throws -> [String] {
        let names = (0..<Self.versions).map { "versions-\(mebibytes)-\($0).tar" }
        if names.allSatisfy({ FileManager.default.fileExists(atPath: "\(folder)/\($0)") }) {
            return names.map { "\(folder)/\($0)" }
        }
        let tree = "\(folder)/versions-\(mebibytes)"
        defer { try? FileManager.default.removeItem(atPath: tree) }
        try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
        var edited = EditedTree(folder: tree)
        try edited.grow(to: (mebibytes << 20) / Self.versions)
        return try names.map { name in
            let path = "\(folder)/\(name)"
            // The same archive wherever and whenever it is made.
            let fixed = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--mode=0644"]
            try measured("/usr/bin/tar", fixed + ["-C", tree, "-cf", path, "."])
            try edited.edit()
            return path
        }
    }
}

/// A folder of files of 1 to 256 KiB that changes from a seed.
private struct EditedTree {
    let folder: String
    private var random = SplitMix64(seed: 6)
    private var names: [String] = []
    private var made = 0

    init(folder: String) { self.folder = folder }

    mutating func grow(to bytes: Int) throws {
        var left = bytes
        while left > 0 { left -= try add() }
    }

    mutating func edit() throws {
        let share = max(1, names.count / 100)
        for _ in 0..<share {
            try change { data, random in
                let start = Int(random.next() % UInt64(data.count))
                let end = min(data.count, start + 512)
                data.replaceSubrange(start..<end, with: random.data(end - start))
            }
            try change { data, random in
                let start = Int(random.next() % UInt64(data.count))
                data.insert(contentsOf: random.data(100), at: start)
            }
            try change { data, random in data = random.data(data.count) }
            let gone = names.remove(at: Int(random.next() % UInt64(names.count)))
            try FileManager.default.removeItem(atPath: "\(folder)/\(gone)")
            _ = try add()
        }
    }

    private mutating func add() throws -> Int {
        // Anywhere in the order of names.
        let name = "\(random.next() % 1_000)-\(made)"
        made += 1
        let size = 1_024 + Int(random.next() % (255 << 10))
        try random.data(size).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        names.append(name)
        return size
    }

    private mutating func change(_ body: (inout Data, inout SplitMix64) -> Void) throws {
        let name = names[Int(random.next() % UInt64(names.count))]
        let file = URL(fileURLWithPath: "\(folder)/\(name)")
        var data = try Data(contentsOf: file)
        body(&data, &random)
        try data.write(to: file)
    }
}
