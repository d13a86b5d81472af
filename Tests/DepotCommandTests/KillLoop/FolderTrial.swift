import Foundation
import Synchronization

// What people do to a FileServer's data folder while it is down: they clone its machine and start both, put an old copy
// back, or have the catalog made again. A second FileServer is asked at an address of its own: what it reads may be old,
// but it must not acknowledge anything.

/// How often the catalog was made again, or begun to be.
final class Rebuilds: Sendable {
    private let begun = Atomic(0)

    var count: Int { begun.load(ordering: .sequentiallyConsistent) }

    func begin() { begun.add(1, ordering: .sequentiallyConsistent) }
}

/// One of the things that may be done to the data folder of a FileServer that was killed.
enum FolderTrial: CaseIterable {
    /// A second FileServer runs on a copy of the folder, beside the first.
    case clone
    /// One runs on a copy of long before, in the place of the first.
    case oldCatalog
    /// The catalog is made again from the replicas.
    case rebuild

    /// How a change ends that is refused, or that finds nobody.
    private static let refused: Set<Int32> = [4, 5, 8]
    private static let rebuildsMax = 3

    /// The FileServer is down, all replicas are up; afterwards it is up, and writes.
    func run(on depot: Composition, _ rebuilds: Rebuilds) async throws {
        let (clone, old) = (depot.folder + "/server-clone", depot.folder + "/server-old")
        try Self.copy(depot.serverFolder, to: clone)
        switch self {
        case .clone:
            try await depot.startServer()
            try await Self.awaitWriter(depot)
            try await Self.expectRefused(clone, depot)
        case .oldCatalog:
            if FileManager.default.fileExists(atPath: old) {
                try await Self.expectRefused(old, depot)
            }
            try await depot.startServer()
            try await Self.awaitWriter(depot)
        case .rebuild:
            rebuilds.begin()
            try await Self.rebuild(depot)
            try await depot.startServer()
            try await Self.awaitWriter(depot)
        }
        // Of the one that wrote since: from now on it is an old one.
        try? FileManager.default.removeItem(atPath: old)
        try FileManager.default.moveItem(atPath: clone, toPath: old)
    }

    private static func copy(_ folder: String, to copy: String) throws {
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
    }

    private static func awaitWriter(_ depot: Composition) async throws {
        try await poll("the FileServer to write") {
            try await depot.client(["status"], as: Status.self).problem == nil
        }
    }

    private static func expectRefused(_ folder: String, _ depot: Composition) async throws {
        let (process, url) = try await depot.startSecondServer(folder: folder)
        let file = try depot.write(testBytes(5_000, seed: 77))
        for command in [["deposit", file, "1", "--as", "usurper"], ["collect", "--grace", "0s"]] {
            let outcome = try await depot.run(
                command + ["--patience", "1s"], environment: ["DEPOT_SERVER": url])
            guard refused.contains(outcome.status) else {
                throw MixedClient.Wrong(
                    description: "\(command) on a copy of the catalog ended with \(outcome.status)")
            }
        }
        _ = try await process.stop(SIGKILL)
    }

    private static func rebuild(_ depot: Composition) async throws {
        var said = ""
        for _ in 0..<rebuildsMax {
            let outcome = try await depot.run(
                ["rebuild-catalog", "--data", depot.serverFolder, "--accept-minority"]
                    + depot.replicaOptions())
            if outcome.status == 0 { return }
            said = "\(outcome.status): \(outcome.text)\(outcome.complaint)"
        }
        throw MixedClient.Wrong(description: "a rebuild with all replicas ended with \(said)")
    }
}
