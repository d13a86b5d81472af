import Foundation

/// Files made from seeds: the same in every run, everywhere.
struct BenchmarkData {
    let folder: String

    /// Bytes without structure.
    func large(mebibytes: Int) throws -> String {
        try random("large-\(mebibytes)", mebibytes: mebibytes, seed: 1)
    }

    /// Bytes that no other number's file has.
    func part(_ number: Int, mebibytes: Int) throws -> String {
        try random(
            "part-\(number)-\(mebibytes)", mebibytes: mebibytes, seed: 1_000 + UInt64(number))
    }

    private func random(_ name: String, mebibytes: Int, seed: UInt64) throws -> String {
        try make(name) { path in
            var random = SplitMix64(seed: seed)
            try Self.write(path) { file in
                for _ in 0..<mebibytes { try file.write(contentsOf: random.data(1 << 20)) }
            }
        }
    }

    /// The same as `large` with 1 KiB inserted at 25 places.
    func shifted(mebibytes: Int) throws -> String {
        let source = try large(mebibytes: mebibytes)
        return try make("shifted-\(mebibytes)") { path in
            var random = SplitMix64(seed: 2)
            let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: source))
            defer { try? input.close() }
            let every = (mebibytes << 20) / 25
            try Self.write(path) { file in
                while let part = try input.read(upToCount: every), !part.isEmpty {
                    try file.write(contentsOf: part)
                    try file.write(contentsOf: random.data(1 << 10))
                }
            }
        }
    }

    /// A folder of files of 1 to 32 KiB, 1,000 in each folder of it; another number's have other bytes.
    func small(count: Int, number: Int = 0) throws -> String {
        try make("small-\(count)-\(number)") { path in
            var random = SplitMix64(seed: 3 + UInt64(number) << 32)
            for number in 0..<count {
                let folder = "\(path)/\(number / 1_000)"
                if number % 1_000 == 0 {
                    try FileManager.default.createDirectory(
                        atPath: folder, withIntermediateDirectories: true)
                }
                let size = 1_024 + Int(random.next() % (31 * 1_024))
                try random.data(size).write(to: URL(fileURLWithPath: "\(folder)/\(number)"))
            }
        }
    }

    /// A copy of a real tree: files of it may be changed.
    func copy(of corpus: String) throws -> String {
        try make("corpus") { path in
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            _ = try measured("/bin/cp", ["-a", "\(corpus)/.", path])
        }
    }

    private func make(_ name: String, _ body: (String) throws -> Void) throws -> String {
        let path = "\(folder)/\(name)"
        if FileManager.default.fileExists(atPath: path) { return path }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try body(path)
        return path
    }

    private static func write(_ path: String, _ body: (FileHandle) throws -> Void) throws {
        try Data().write(to: URL(fileURLWithPath: path))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try body(file)
        try file.synchronize()
        try file.close()
    }

    /// Longer than a change has to be ago to be trusted by those who remember files.
    static func letSettle() { Thread.sleep(forTimeInterval: 3) }

    /// Gives each hundredth file of a tree another content of the same length.
    static func change(_ folder: String) throws {
        let names = FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
        var generator = SplitMix64(seed: UInt64(Date().timeIntervalSince1970))
        // What a link leads to may be anybody's.
        let files = names.sorted().map { "\(folder)/\($0)" }.filter {
            let attributes = try? FileManager.default.attributesOfItem(atPath: $0)
            return attributes?[.type] as? FileAttributeType == .typeRegular
        }
        for (index, path) in files.enumerated() where index % 100 == 0 {
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            try write(path) { try $0.write(contentsOf: generator.data(size)) }
        }
    }

    static func bytes(ofTree folder: String) -> (files: Int, bytes: UInt64) {
        var found = (files: 0, bytes: UInt64(0))
        let names = FileManager.default.enumerator(atPath: folder)
        while let name = names?.nextObject() as? String {
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            guard attributes?[.type] as? FileAttributeType == .typeRegular else { continue }
            found.files += 1
            found.bytes += (attributes?[.size] as? UInt64) ?? 0
        }
        return found
    }
}

struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func data(_ count: Int) -> Data {
        let words = (0..<(count + 7) / 8).map { _ in next() }
        return words.withUnsafeBytes { Data($0.prefix(count)) }
    }
}
