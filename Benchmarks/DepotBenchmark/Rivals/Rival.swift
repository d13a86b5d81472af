/// Another program that keeps files, and the words that make it do so: durably, without compression and encryption where
/// it lets them be turned off, reading everything that it is given even if it believes to know it.
struct Rival: Sendable {
    let name: String
    /// Debian's name for it.
    let package: String
    let version: [String]
    var environment: @Sendable (Place) -> [String: String] = { _ in [:] }
    /// Makes an empty store.
    var setUp: @Sendable (Place) -> [String]? = { _ in nil }
    /// What listens while clients run.
    var server: @Sendable (Place) -> [String]? = { _ in nil }
    /// Puts a file or folder into the store, by a name.
    let backUp: @Sendable (Place, _ path: String, _ name: String) -> [String]
    /// The same with what it remembers of files; `nil` where it remembers nothing.
    var backUpKnown: @Sendable (Place, _ path: String, _ name: String) -> [String]? = {
        _, _, _ in nil
    }
    /// Brings it back into a folder that is there, and its own or empty.
    let restore: @Sendable (Place, _ path: String, _ name: String, _ folder: String) -> [String]
    /// Reads everything in the store and compares; a file that is in it is named.
    var verify: @Sendable (Place, _ path: String, _ name: String) -> [String]? = { _, _, _ in nil }
    /// More small files than that say nothing new.
    var filesMax = Int.max
    /// What has to be known to read its figures.
    var remark = ""

    /// Where a rival works.
    struct Place: Sendable {
        let folder: String
        let port: Int

        var store: String { "\(folder)/store" }
        var scratch: String { "\(folder)/scratch" }
    }
}

extension Rival {
    static let all = [restic, borg, casync, rclone]

    private static let restic = Rival(
        name: "restic", package: "restic", version: ["version"],
        environment: {
            [
                "RESTIC_REPOSITORY": $0.store, "RESTIC_PASSWORD": "benchmark",
                "RESTIC_CACHE_DIR": "\($0.scratch)/cache",
            ]
        },
        setUp: { _ in ["init", "-q"] },
        backUp: { _, path, name in
            ["backup", "-q", "--force", "--compression", "off", "--tag", name, path]
        },
        backUpKnown: { _, path, _ in
            ["backup", "-q", "--compression", "off", "--tag", "known", path]
        },
        restore: { _, _, name, folder in
            ["restore", "latest", "-q", "--tag", name, "--target", folder]
        },
        verify: { _, _, _ in ["check", "-q", "--read-data"] },
        remark: "local store, one copy; it always encrypts; --compression off, --force")

    private static let borg = Rival(
        name: "borg", package: "borgbackup", version: ["--version"],
        environment: {
            [
                "BORG_REPO": $0.store, "BORG_BASE_DIR": $0.scratch,
                "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            ]
        },
        setUp: { _ in ["init", "-e", "none"] },
        backUp: { _, path, name in
            ["create", "-C", "none", "--files-cache", "disabled", "::\(name)", path]
        },
        backUpKnown: { _, path, name in ["create", "-C", "none", "::\(name)", path] },
        restore: { _, _, name, _ in ["extract", "::\(name)"] },
        verify: { _, _, _ in ["check", "--verify-data"] },
        remark: "local store, one copy; -e none, -C none, files cache off")

    private static let casync = Rival(
        name: "casync", package: "casync", version: ["--version"],
        backUp: { place, path, name in
            [
                "make", "--store", place.store, "--compression", "zstd",
                index(place, path, name), path,
            ]
        },
        restore: { place, path, name, folder in
            let target = isTree(name) ? folder : "\(folder)/file"
            return [
                "extract", "--store", place.store, "--seed-output=no", index(place, path, name),
                target,
            ]
        },
        remark: "local store, one copy; it always compresses: zstd, the quickest; it cannot verify")

    private static func isTree(_ name: String) -> Bool { name == Comparison.treeName }

    private static func index(_ place: Place, _ path: String, _ name: String) -> String {
        "\(place.folder)/\(name).\(isTree(name) ? "caidx" : "caibx")"
    }

    private static let rclone = Rival(
        name: "rclone", package: "rclone", version: ["version"],
        environment: {
            [
                "RCLONE_CONFIG": "\($0.scratch)/rclone.conf", "RCLONE_LOG_LEVEL": "ERROR",
                "RCLONE_CONFIG_DEPOT_TYPE": "webdav",
                "RCLONE_CONFIG_DEPOT_URL": "http://127.0.0.1:\($0.port)",
            ]
        },
        server: { ["serve", "webdav", $0.store, "--addr", "127.0.0.1:\($0.port)"] },
        backUp: { _, path, name in
            [
                "copy", "--ignore-times", "--transfers", "16", "--checkers", "16", path,
                "depot:\(name)",
            ]
        },
        restore: { _, _, name, folder in
            ["copy", "--transfers", "16", "--checkers", "16", "depot:\(name)", folder]
        },
        verify: { _, path, name in ["check", "--download", "--one-way", path, "depot:\(name)"] },
        // Its client leaves 10 ms between two requests to a WebDAV server.
        filesMax: 1_000,
        remark:
            "a WebDAV server on the loopback, one copy, no hashes; --ignore-times, 16 transfers; "
            + "its check reads the source, too; at most 1,000 small files, since it paces itself")
}
