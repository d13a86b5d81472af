import Foundation
import Testing

/// What processes do with memory, counted by a library that is loaded into them. Copies that the kernel makes, and those
/// of less than 4 KiB, are not counted.
struct MemoryCounts {
    /// Blocks that were asked for, of any size.
    var blocks: UInt64 = 0
    /// Those of 64 KiB and more.
    var largeBlocks: UInt64 = 0
    /// Bytes that were copied from memory to memory.
    var copied: UInt64 = 0
    /// Reads into 64 KiB and more that gave something.
    var largeReads: UInt64 = 0

    static func - (left: Self, right: Self) -> Self {
        Self(
            blocks: left.blocks - right.blocks, largeBlocks: left.largeBlocks - right.largeBlocks,
            copied: left.copied - right.copied, largeReads: left.largeReads - right.largeReads)
    }
}

/// Where the processes of a test leave their counts.
struct MemoryCounting: Sendable {
    enum Role: String, CaseIterable {
        case client, server, replica
    }

    private let folder: String

    init() throws {
        folder = "\(NSTemporaryDirectory())/depot-counts-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func environment(of name: String) -> [String: String] {
        [
            "LD_PRELOAD": "\(Composition.builds)/libmemory-counts.so",
            "DEPOT_MEMORY_COUNTS": "\(folder)/\(name)",
        ]
    }

    func environment(of daemon: Composition.Daemon) -> [String: String] {
        switch daemon {
        case .server: environment(of: Role.server.rawValue)
        case .replica(let number): environment(of: "\(Role.replica.rawValue)\(number)")
        }
    }

    /// Of all processes of a role together.
    func counts(of role: Role) throws -> MemoryCounts {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasPrefix(role.rawValue) }
        try #require(!names.isEmpty, "nothing was counted")
        return try names.reduce(into: MemoryCounts()) { total, name in
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            try #require(bytes.count == 4 * 8)
            let words = bytes.withUnsafeBytes { bytes in
                (0..<4).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
            }
            total.blocks += words[0]
            total.largeBlocks += words[1]
            total.copied += words[2]
            total.largeReads += words[3]
        }
    }
}
