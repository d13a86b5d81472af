import Foundation
import Testing

/// Contents that share blocks with one another: deposits of different names meet in the same chunks.
struct SharedContents {
    static let count = 36

    /// In the order of their numbers.
    let paths: [String]
    /// By their manifests, which tell in lists which is which.
    private let numbers: [String: Int]

    /// Deposits them once to learn their manifests, and purges that.
    init(seed: UInt64, _ depot: Composition) async throws {
        let folder = "\(depot.folder)/contents"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        paths = (0..<Self.count).map { "\(folder)/\($0)" }
        for (number, path) in paths.enumerated() {
            try Self.bytes(number, seed: seed).write(to: URL(fileURLWithPath: path))
        }
        let receipts = try await depot.client(
            ["deposit", "-r", folder, "1", "--as", "contents"], as: TreeReceipt.self
        ).files
        let numbered = try receipts.map {
            ($0.manifest, try #require(Int($0.name.dropFirst("contents/".count))))
        }
        numbers = Dictionary(uniqueKeysWithValues: numbered)
        #expect(try await depot.run(["delete", "-r", "--purge", "contents"]).status == 0)
    }

    func number(of manifest: String) throws -> Int { try #require(numbers[manifest]) }

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
