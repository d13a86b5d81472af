import FoundationEssentials

/// Seeds of random tests. `DEPOT_SEED=7 swift test --filter …` replays one of them.
enum Seeds {
    static func few(_ usual: ClosedRange<UInt64>) -> [UInt64] {
        guard let asked = ProcessInfo.processInfo.environment["DEPOT_SEED"],
            let seed = UInt64(asked)
        else { return Array(usual) }
        return [seed]
    }

    static func replay(_ seed: UInt64, _ suite: String) -> String {
        "replay: DEPOT_SEED=\(seed) swift test --filter \(suite)"
    }
}
