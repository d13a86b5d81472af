import CBuildCommit

/// Which depot this is.
enum BuildVersion {
    /// As the changelog counts, and as daemons tell each other.
    static let number = "0.1.0"

    /// What `depot --version` prints. The commit is told by whoever builds, in the environment: a file with it in the sources
    /// would make each build differ from its commit.
    static let text = describe(commit: String(cString: depot_build_commit()))

    static func describe(commit: String) -> String {
        "\(number) (\(commit.isEmpty ? "built without its commit" : "commit \(commit)"))"
    }
}
