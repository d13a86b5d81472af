import DepotCluster

/// What makes an answer easier to read, and is not the answer.
enum Courtesy {
    /// Nobody waits longer for it, whatever the FileServer does.
    static let limit = TimeLimit(clock: .system, limit: .seconds(2))
}
