import Foundation
import Testing

/// A FileServer and some replicas, each a process with a folder of its own, and a client to use them with.
final class Composition {
    /// The `depot` that was built with the tests, in the same folder.
    static let executable: String = {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("depot").path
    }()

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// Everything that is written is below it.
    let folder: String
    let token = testBytes(32, seed: 1).map { String(format: "%02x", $0) }.joined()
    let clusterToken = testBytes(32, seed: 2).map { String(format: "%02x", $0) }.joined()
    private var replicas: [ChildProcess?]
    private var ports: [Int]
    private var server: ChildProcess?
    private var serverPort = 0
    private var started: [ChildProcess] = []

    private init(replicas count: Int) throws {
        folder = "\(NSTemporaryDirectory())/depot-command-tests-\(UUID().uuidString)"
        replicas = Array(repeating: nil, count: count)
        ports = Array(repeating: 0, count: count)
        try FileManager.default.createDirectory(
            atPath: "\(folder)/files", withIntermediateDirectories: true)
    }

    /// - Parameter prepare: called before anything starts, to put disks in place.
    static func with(
        replicas: Int, prepare: (Composition) throws -> Void = { _ in },
        _ body: (Composition) async throws -> Void
    ) async throws {
        let composition = try Composition(replicas: replicas)
        let result: Result<Void, any Error>
        do {
            try prepare(composition)
            for number in 0..<replicas { try await composition.startReplica(number) }
            try await composition.startServer()
            result = .success(try await body(composition))
        } catch {
            composition.tellWhatDaemonsSaid()
            result = .failure(error)
        }
        for process in composition.started { process.send(SIGKILL) }
        for process in composition.started { _ = try? await process.outcome() }
        try FileManager.default.removeItem(atPath: composition.folder)
        try result.get()
    }

    private func tellWhatDaemonsSaid() {
        for (name, process) in [("FileServer", server)] + replicas.map({ ("replica", $0) }) {
            guard let text = try? process?.complaint(), !text.isEmpty else { continue }
            print("\(name) said:\n\(text)")
        }
    }

    // MARK: Daemons

    var url: String { "http://127.0.0.1:\(serverPort)" }

    func replicaFolder(_ number: Int) -> String { "\(folder)/replica\(number)" }

    func name(ofReplica number: Int) -> String { "r\(number)" }

    private var secrets: [String: String] {
        ["DEPOT_TOKEN": token, "DEPOT_CLUSTER_TOKEN": clusterToken]
    }

    /// At the same address each time.
    func startReplica(_ number: Int) async throws {
        let process = try start([
            "replica", "--data", replicaFolder(number), "--listen", "127.0.0.1:\(ports[number])",
            "--name", name(ofReplica: number),
        ])
        replicas[number] = process
        ports[number] = try await announcedPort(process)
    }

    /// At the same address each time.
    func startServer() async throws {
        let addresses = ports.enumerated().flatMap { number, port in
            ["--replica", "\(name(ofReplica: number))=http://127.0.0.1:\(port)"]
        }
        let process = try start(
            ["serve", "--data", "\(folder)/server", "--listen", "127.0.0.1:\(serverPort)"]
                + addresses)
        server = process
        serverPort = try await announcedPort(process)
    }

    /// Starts a process that ends with the composition.
    func start(
        _ arguments: [String], environment: [String: String] = [:],
        input: FileHandle = .nullDevice, executable: String = Composition.executable
    ) throws -> ChildProcess {
        let process = try ChildProcess(
            executable, arguments,
            environment: secrets.merging(["DEPOT_SERVER": url]) { $1 }.merging(environment) { $1 },
            folder: folder, input: input)
        started.append(process)
        return process
    }

    private func announcedPort(_ process: ChildProcess) async throws -> Int {
        var port: Int?
        try await poll("the line that says where a daemon listens") {
            guard process.isRunning else {
                throw Failed(description: "a daemon did not start: \(try process.complaint())")
            }
            let line = try process.output().firstMatch(of: /listens on port ([0-9]+)\n/)
            port = line.flatMap { Int($0.1) }
            return port != nil
        }
        return try #require(port)
    }

    @discardableResult
    func stopReplica(_ number: Int, _ signal: Int32) async throws -> Int32 {
        let process = try #require(replicas[number])
        replicas[number] = nil
        return try await process.stop(signal)
    }

    @discardableResult
    func stopServer(_ signal: Int32) async throws -> Int32 {
        let process = try #require(server)
        server = nil
        return try await process.stop(signal)
    }

    /// Waits until the FileServer sees a replica so.
    func awaitReplica(_ number: Int, _ state: String) async throws {
        try await poll("replica \(number) to be seen \(state)") {
            let status = try await client(["status"], as: Status.self)
            return status.replicas.contains {
                $0.name == name(ofReplica: number) && $0.state == state
            }
        }
    }

    /// A replica's identity, as `info` and `badCopies` name it.
    func id(ofReplica number: Int) async throws -> String {
        let status = try await client(["status"], as: Status.self)
        let replica = status.replicas.first { $0.name == name(ofReplica: number) }
        return try #require(replica?.id)
    }

    // MARK: The client

    func run(
        _ arguments: [String], environment: [String: String] = [:], input: FileHandle = .nullDevice
    ) async throws -> ChildProcess.Outcome {
        try await start(arguments, environment: environment, input: input).outcome()
    }

    /// A command that succeeds.
    func client<Answer: Decodable>(_ arguments: [String], as: Answer.Type) async throws -> Answer {
        let outcome = try await run(arguments + ["--json"])
        guard outcome.status == 0 else {
            throw Failed(description: "\(arguments) ended with \(outcome.status): \(outcome.text)")
        }
        return try JSONDecoder().decode(Answer.self, from: outcome.output)
    }

    /// A command that fails: its exit code and what it says.
    func failure(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, error: Failure.Body) {
        let outcome = try await run(arguments + ["--json"], environment: environment)
        guard outcome.status != 0 else {
            throw Failed(description: "\(arguments) succeeded: \(outcome.text)")
        }
        return (
            outcome.status, try JSONDecoder().decode(Failure.self, from: outcome.output).error
        )
    }

    func deposit(
        _ name: String, _ bytes: Data, level: Int = 3, _ more: [String] = []
    ) async throws -> Receipt {
        let path = try write(bytes)
        return try await client(
            ["deposit", path, "\(level)", "--as", name] + more, as: Receipt.self)
    }

    func info(_ name: String) async throws -> Info {
        try await client(["info", name], as: Info.self)
    }

    func names() async throws -> [String] {
        try await client(["list"], as: Listing.self).files.map(\.name)
    }

    /// What a retrieve brings, and what it tells.
    func retrieve(_ name: String) async throws -> (bytes: Data, report: Retrieved) {
        let path = newPath()
        let report = try await client(["retrieve", name, "-o", path], as: Retrieved.self)
        return (try Data(contentsOf: URL(fileURLWithPath: path)), report)
    }

    // MARK: Files

    func newPath() -> String { "\(folder)/files/\(UUID().uuidString)" }

    func write(_ bytes: Data) throws -> String {
        let path = newPath()
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
    }
}
