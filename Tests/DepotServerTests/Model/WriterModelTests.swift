import FoundationEssentials
import Testing

/// Random games with several FileServers, see `WriterModel`.
@Suite(.timeLimit(.minutes(2))) struct WriterModelTests {
    /// Of each round, all at once: each waits more than it works.
    private static let seeds: UInt64 = 5

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `no acknowledged file is lost and no deleted one returns, whoever writes`(
        round: UInt64
    ) async throws {
        try await TestDepot.inFolder(inMemory: true) { folder in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in round * Self.seeds..<(round + 1) * Self.seeds {
                    group.addTask { try await Self.play(seed, in: "\(folder)/\(seed)") }
                }
                try await group.waitForAll()
            }
        }
    }

    private static func play(_ seed: UInt64, in folder: String) async throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try await WriterModel(seed: seed, top: folder).play(steps: 60)
    }
}
