import Foundation

/// A FileServer and its replicas, each a process with a folder of its own.
final class Cluster {
    private let executable: String
    private let folder: String
    private let environment: [String: String]
    private var replicas: [Daemon] = []
    private var server: Daemon?

    init(_ executable: String, replicas count: Int, in folder: String, isSecure: Bool) throws {
        self.executable = executable
        self.folder = folder
        var environment = try Self.tokens(executable, in: folder)
        let names = (0..<count).map { "r\($0)" }
        if isSecure {
            try measured(
                executable,
                ["tls", "init", "\(folder)/tls", "--fileserver", "127.0.0.1"]
                    + names.flatMap { ["--replica", "\($0)@127.0.0.1"] })
            environment["DEPOT_CA_FILE"] = "\(folder)/tls/ca.pem"
        }
        func secured(_ name: String) -> [String] {
            guard isSecure else { return [] }
            let path = "\(folder)/tls/\(name)"
            return [
                "--tls-certificate", "\(path).pem", "--tls-key", "\(path)-key.pem", "--tls-ca",
                "\(folder)/tls/ca.pem",
            ]
        }
        let scheme = isSecure ? "https" : "http"
        var addresses: [String] = []
        for name in names {
            let replica = try Daemon(
                Command(
                    executable: executable,
                    arguments: Self.replica(in: "\(folder)/\(name)") + secured(name),
                    environment: environment))
            replicas.append(replica)
            addresses += ["--replica", "\(scheme)://127.0.0.1:\(try replica.port)"]
        }
        let server = try Daemon(
            Command(
                executable: executable,
                arguments: Self.server(in: "\(folder)/s") + secured("fileserver") + addresses,
                environment: environment))
        environment["XDG_CACHE_HOME"] = "\(folder)/cache"
        environment["DEPOT_SERVER"] = "\(scheme)://127.0.0.1:\(try server.port)"
        self.environment = environment
        self.server = server
        try measured(executable, ["status", "--json"], environment: environment)
    }

    deinit { stop() }

    /// Makes tokens, and tells daemons and clients of them.
    static func tokens(_ executable: String, in folder: String) throws -> [String: String] {
        let tokens = ["cluster", "client"].map { "\(folder)/\($0).token" }
        try measured(executable, ["token"] + tokens)
        return ["DEPOT_CLUSTER_TOKEN_FILE": tokens[0], "DEPOT_TOKEN_FILE": tokens[1]]
    }

    static func replica(in folder: String) -> [String] {
        ["replica", "--data", folder, "--listen", "127.0.0.1:0"]
    }

    static func server(in folder: String) -> [String] {
        ["serve", "--data", folder, "--listen", "127.0.0.1:0"]
    }

    func stop() {
        // Their folders go, too: nothing is gained by waiting until they have said goodbye to each other.
        for daemon in replicas + [server].compactMap({ $0 }) { daemon.kill() }
        replicas = []
        server = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Where a replica keeps its segments.
    func segments(ofReplica number: Int) -> String { "\(folder)/r\(number)/segments" }

    /// Runs clients at once, and tells what it cost everybody.
    ///
    /// - Parameter allowed: exit codes that are no failure.
    func run(
        _ name: String, bytes: UInt64, operations: Int = 1, clients: [[String]],
        allowed: Set<Int32> = [0]
    ) throws -> Measurement {
        for daemon in replicas + [server].compactMap({ $0 }) { daemon.forgetPeak() }
        let (before, stored, sent) = (usage(), self.stored, Traffic.sent)
        let (seconds, client) = try measured(
            clients.map { arguments in
                Command(
                    executable: executable, arguments: arguments + ["--quiet"],
                    environment: environment, allowed: allowed)
            })
        let after = usage()
        var measurement = Measurement(
            name: name, bytes: bytes, operations: operations, seconds: seconds, client: client,
            server: after.server.since(before.server),
            replicas: after.replicas.since(before.replicas))
        measurement.sent = Traffic.sent - sent
        measurement.stored = Int64(self.stored) - Int64(stored)
        return measurement
    }

    /// The sizes of all files of all replicas: segments that are open take more of the disk, for what is to come.
    private var stored: UInt64 {
        replicas.indices.reduce(0) { $0 + BenchmarkData.bytes(ofTree: "\(folder)/r\($1)").bytes }
    }

    private func usage() -> (server: Usage, replicas: Usage) {
        (server?.usage ?? Usage(), replicas.map(\.usage).reduce(Usage(), +))
    }
}
