import Foundation

/// What may be found under the names of one client: exactly what was acknowledged last or, after an operation that
/// failed or was never answered, what was there before or what was to be there.
struct FileModel {
    /// The number of a content; `nil`: no such file.
    typealias Content = Int?

    private var allowed: [String: Set<Content>] = [:]
    /// What was done to each name, for whoever looks into a failure.
    private var history: [String: [String]] = [:]

    let names: [String]

    init(names: [String]) { self.names = names }

    func allowed(_ name: String) -> Set<Content> { allowed[name] ?? [nil] }

    func mustExist(_ name: String) -> Bool { !allowed(name).contains(nil) }

    func mayExist(_ name: String) -> Bool { allowed(name) != [nil] }

    mutating func acknowledge(_ name: String, _ content: Content) { allowed[name] = [content] }

    mutating func failed(_ name: String, _ content: Content) {
        allowed[name] = allowed(name).union([content])
    }

    mutating func note(_ name: String, _ what: String) { history[name, default: []].append(what) }

    func history(of name: String) -> String {
        (history[name] ?? []).suffix(12).joined(separator: "\n  ")
    }
}

/// Contents that share blocks with one another: deposits of different names meet in the same chunks.
struct SharedContents {
    static let count = 36

    /// In the order of their numbers.
    let paths: [String]

    init(seed: UInt64, folder: String) throws {
        paths = (0..<Self.count).map { "\(folder)/content-\($0)" }
        for (number, path) in paths.enumerated() {
            try Self.bytes(number, seed: seed).write(to: URL(fileURLWithPath: path))
        }
    }

    func bytes(_ number: Int) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: paths[number]))
    }

    /// A third are small, a third are a block that others have, too, and an end of their own, a third stand alone.
    private static func bytes(_ number: Int, seed: UInt64) -> Data {
        let own = seed &* 1_000 &+ UInt64(number)
        switch number % 3 {
        case 0: return testBytes(1 + number * 997, seed: own)
        case 1:
            return testBytes(1_500_000, seed: seed &* 1_000 &+ 900 &+ UInt64(number % 4))
                + testBytes(number * 8_000, seed: own)
        default: return testBytes(40_000 + number * 40_000, seed: own)
        }
    }
}
