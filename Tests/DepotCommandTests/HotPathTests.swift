import Foundation
import Testing

// What a byte costs on its way is hashing, sockets and the disk. A copy from memory to memory, or a large block of fresh
// memory, costs about as much as one of these, and comes in unseen. So they are counted, in the real processes. Into how
// many parts a stream falls is up to the network and to who else works on the machine: as many large blocks as there were
// reads into them are right, too. One more copy of each byte is far beyond the bound on copies.

extension CommandTests {
    @Suite struct HotPath {
        private typealias Role = MemoryCounting.Role

        /// All processes of a role together.
        struct Bounds {
            /// For each byte that passes.
            let copied: Double
            /// Blocks of 64 KiB and more, for each MiB: what is received goes into 128 or 256 KiB each. More than these
            /// only where there were as many reads.
            let largeBlocks: Double
        }

        /// What a command does with memory, and what it makes the daemons do, by role.
        private static func spent(
            by arguments: [String], _ depot: Composition, _ counting: MemoryCounting
        ) async throws -> [Role: MemoryCounts] {
            let before = try [Role.server, .replica].map { ($0, try counting.counts(of: $0)) }
            let outcome = try await depot.run(
                arguments, environment: counting.environment(of: Role.client.rawValue))
            #expect(outcome.status == 0, "\(outcome.complaint)")
            var spent = [Role.client: try counting.counts(of: .client)]
            for (role, counts) in before { spent[role] = try counting.counts(of: role) - counts }
            return spent
        }

        private static func expect(
            _ spent: [Role: MemoryCounts], bytes: Int, within bounds: [Role: Bounds]
        ) throws {
            for (role, bounds) in bounds {
                let counts = try #require(spent[role])
                try #require(counts.blocks > 0, "the \(role) was not counted")
                let copied = Double(counts.copied) / Double(bytes)
                let blocks = Double(counts.largeBlocks) / Double(bytes >> 20)
                let reads = Double(counts.largeReads) / Double(bytes >> 20)
                #expect(copied <= bounds.copied, "bytes that the \(role) copied, for each byte")
                #expect(
                    blocks <= max(bounds.largeBlocks, reads),
                    "large blocks of the \(role), for each MiB")
            }
        }

        @Test func `the bytes of a file are not copied about in memory`() async throws {
            let counting = try MemoryCounting()
            defer { counting.remove() }
            try await Composition.with(
                replicas: 3, environment: counting.environment(of:)
            ) { depot in
                let bytes = testBytes(48 << 20, seed: 71)
                let (path, back) = (try depot.write(bytes), depot.newPath())
                // Measured: 0.04, 0.03, 3.06 bytes; 0.1, 5, 11 blocks. Each replica copies once,
                // into memory that the disk takes, which the kernel does else.
                try Self.expect(
                    await Self.spent(by: ["deposit", path, "3", "--as", "big"], depot, counting),
                    bytes: bytes.count,
                    within: [
                        .client: Bounds(copied: 0.15, largeBlocks: 1),
                        .server: Bounds(copied: 0.15, largeBlocks: 12),
                        .replica: Bounds(copied: 3.15, largeBlocks: 25),
                    ])
                // Measured: 1.02, 0.00, 0 bytes; 5, 4, 0 blocks. The client copies once likewise.
                try Self.expect(
                    await Self.spent(by: ["retrieve", "big", "-o", back], depot, counting),
                    bytes: bytes.count,
                    within: [
                        .client: Bounds(copied: 1.1, largeBlocks: 10),
                        .server: Bounds(copied: 0.1, largeBlocks: 9),
                        .replica: Bounds(copied: 0.02, largeBlocks: 0.5),
                    ])
                #expect(try Data(contentsOf: URL(fileURLWithPath: back)) == bytes)
            }
        }

        /// Measured: 1,480, 1,192 and 1,077 blocks for each file, without optimisation. Most of the
        /// client's are for the parts of paths; with optimisation it is 127 in all.
        @Test func `a small file does not cost more and more blocks of memory`() async throws {
            let counting = try MemoryCounting()
            defer { counting.remove() }
            try await Composition.with(
                replicas: 3, environment: counting.environment(of:)
            ) { depot in
                let (tree, count) = (depot.newPath(), 400)
                try FileManager.default.createDirectory(
                    atPath: tree, withIntermediateDirectories: true)
                for number in 0..<count {
                    let bytes = testBytes(1_024 + number * 79, seed: UInt64(number) + 1_000)
                    try bytes.write(to: URL(fileURLWithPath: "\(tree)/\(number)"))
                }
                let spent = try await Self.spent(
                    by: ["deposit", tree, "3", "--recursive"], depot, counting)
                let bounds: [Role: Double] = [.client: 2_000, .server: 1_550, .replica: 1_450]
                for (role, bound) in bounds {
                    let blocks = Double(spent[role]?.blocks ?? .max) / Double(count)
                    #expect(blocks <= bound, "blocks of the \(role), for each file")
                }
            }
        }
    }
}
