import FoundationEssentials

/// Seeds of random tests. `DEPOT_SEED=7 swift test --filter …` replays one of them. Usually they are the same for every
/// run, and a part of what a test could try is tried; `DEPOT_THOROUGH=1` has it try everything.
enum Seeds {
    static let isThorough = ProcessInfo.processInfo.environment["DEPOT_THOROUGH"] == "1"

    static func few(_ usual: ClosedRange<UInt64>) -> [UInt64] {
        guard let asked = ProcessInfo.processInfo.environment["DEPOT_SEED"],
            let seed = UInt64(asked)
        else { return Array(usual) }
        return [seed]
    }

    static func replay(_ seed: UInt64, _ suite: String) -> String {
        let depth = isThorough ? "DEPOT_THOROUGH=1 " : ""
        return "replay: \(depth)DEPOT_SEED=\(seed) swift test --filter \(suite)"
    }
}
