import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A FileServer and its replicas, each a process with a folder of its own.
final class Cluster {
    private let executable: String
    private let folder: String
    private let environment: [String: String]
    private var replicas: [Process] = []
    private var server: Process?

    init(_ executable: String, replicas count: Int, in folder: String) throws {
        self.executable = executable
        self.folder = folder
        let tokens = ["cluster", "client"].map { "\(folder)/\($0).token" }
        try measured(executable, ["token"] + tokens)
        var environment = [
            "DEPOT_CLUSTER_TOKEN_FILE": tokens[0], "DEPOT_TOKEN_FILE": tokens[1],
        ]
        var addresses: [String] = []
        for number in 0..<count {
            let arguments = [
                "replica", "--data", "\(folder)/r\(number)", "--listen", "127.0.0.1:0",
            ]
            let (process, port) = try Self.start(executable, arguments, environment, folder)
            replicas.append(process)
            addresses += ["--replica", "http://127.0.0.1:\(port)"]
        }
        let arguments = ["serve", "--data", "\(folder)/s", "--listen", "127.0.0.1:0"] + addresses
        let (process, port) = try Self.start(executable, arguments, environment, folder)
        server = process
        environment["DEPOT_SERVER"] = "http://127.0.0.1:\(port)"
        self.environment = environment
        try measured(executable, ["status", "--json"], environment: environment)
    }

    deinit { stop() }

    func stop() {
        for process in replicas + [server].compactMap({ $0 }) where process.isRunning {
            process.terminate()
        }
        for process in replicas + [server].compactMap({ $0 }) { process.waitUntilExit() }
        replicas = []
        server = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func start(
        _ executable: String, _ arguments: [String], _ environment: [String: String],
        _ folder: String
    ) throws -> (Process, Int) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("\n") {
            let data = pipe.fileHandleForReading.availableData
            guard !data.isEmpty else {
                throw CommandFailed(description: "\(arguments[0]) did not start")
            }
            text += String(decoding: data, as: UTF8.self)
        }
        guard let port = text.firstMatch(of: /listens on port ([0-9]+)/).flatMap({ Int($0.1) })
        else { throw CommandFailed(description: "\(arguments[0]) said: \(text)") }
        return (process, port)
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
        let before = usage()
        let began = ContinuousClock.now
        let cpuBefore = Usage.own(Usage.children)
        let processes = try clients.map { arguments in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: executable)
            process.arguments = arguments + ["--quiet"]
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            return process
        }
        var clientPeak = 0.0
        while processes.contains(where: \.isRunning) {
            for process in processes where process.isRunning {
                clientPeak = max(clientPeak, Usage.of(process.processIdentifier).peakMiB)
            }
            usleep(10_000)
        }
        for process in processes { process.waitUntilExit() }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        for (process, arguments) in zip(processes, clients)
        where !allowed.contains(process.terminationStatus) {
            throw CommandFailed(
                description: "depot \(arguments.joined(separator: " ")) ended with "
                    + "\(process.terminationStatus)")
        }
        let after = usage()
        return Measurement(
            name: name, bytes: bytes, operations: operations, seconds: seconds,
            client: Usage(cpu: Usage.own(Usage.children) - cpuBefore, peakMiB: clientPeak),
            server: Usage(cpu: after.server.cpu - before.server.cpu, peakMiB: after.server.peakMiB),
            replicas: Usage(
                cpu: after.replicas.cpu - before.replicas.cpu, peakMiB: after.replicas.peakMiB))
    }

    private func usage() -> (server: Usage, replicas: Usage) {
        var all = Usage()
        for process in replicas {
            let one = Usage.of(process.processIdentifier)
            all.cpu += one.cpu
            all.peakMiB = max(all.peakMiB, one.peakMiB)
        }
        return (Usage.of(server?.processIdentifier ?? 0), all)
    }
}
