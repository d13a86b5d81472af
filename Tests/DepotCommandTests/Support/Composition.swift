import Foundation
import Synchronization
import Testing

/// A FileServer and some replicas, each a process with a folder of its own, and a client to use them with.
final class Composition: Sendable {
    /// The `depot` that was built with the tests, in the same folder; `DEPOT_EXECUTABLE` otherwise.
    static let executable =
        ProcessInfo.processInfo.environment["DEPOT_EXECUTABLE"] ?? "\(builds)/depot"

    /// The folder with everything that was built with the tests.
    static let builds = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// Everything that is written is below it.
    let folder: String
    let token = testBytes(32, seed: 1).map { String(format: "%02x", $0) }.joined()
    let clusterToken = testBytes(32, seed: 2).map { String(format: "%02x", $0) }.joined()
    /// Whether all of it speaks TLS, with certificates of its own.
    private let isSecure: Bool
    /// More options of `serve`.
    private let serveOptions: [String]
    /// What the environment of a daemon has beside what it needs.
    private let environment: @Sendable (Daemon) -> [String: String]

    enum Daemon: Hashable {
        case server
        case replica(Int)
    }

    private struct State {
        var replicas: [ChildProcess?]
        var ports: [Int]
        var server: ChildProcess?
        var serverPort = 0
        var started: [ChildProcess] = []
        /// Everything that nobody may find in a log.
        var tokens: Set<String> = []
    }
    private let state: Mutex<State>

    private init(
        replicas count: Int, isSecure: Bool, serve: [String],
        environment: @escaping @Sendable (Daemon) -> [String: String]
    ) throws {
        self.isSecure = isSecure
        serveOptions = serve
        self.environment = environment
        folder = "\(NSTemporaryDirectory())/depot-command-tests-\(UUID().uuidString)"
        state = Mutex(
            State(
                replicas: Array(repeating: nil, count: count),
                ports: Array(repeating: 0, count: count)))
        try FileManager.default.createDirectory(
            atPath: "\(folder)/files", withIntermediateDirectories: true)
    }

    /// - Parameters:
    ///   - isSecure: whether all of it speaks TLS, with certificates of its own.
    ///   - serve: more options of the FileServer.
    ///   - environment: what is added to a daemon's.
    ///   - prepare: called before anything starts, to put disks in place.
    static func with(
        replicas: Int, isSecure: Bool = false, serve: [String] = [],
        environment: @escaping @Sendable (Daemon) -> [String: String] = { _ in [:] },
        prepare: (Composition) throws -> Void = { _ in },
        _ body: (Composition) async throws -> Void
    ) async throws {
        let composition = try Composition(
            replicas: replicas, isSecure: isSecure, serve: serve, environment: environment)
        let result: Result<Void, any Error>
        do {
            if isSecure { try await composition.makeCertificates() }
            try prepare(composition)
            for number in 0..<replicas { try await composition.startReplica(number) }
            try await composition.startServer()
            // It answers when it has asked every replica: one that a test stops before that is no
            // member.
            _ = try await composition.run(["status"])
            result = .success(try await body(composition))
        } catch {
            composition.tellWhatDaemonsSaid()
            result = .failure(error)
        }
        let started = composition.state.withLock { $0.started }
        for process in started { process.send(SIGKILL) }
        for process in started { _ = try? await process.outcome() }
        try composition.expectNoTokenInLogs()
        try FileManager.default.removeItem(atPath: composition.folder)
        try result.get()
    }

    private func tellWhatDaemonsSaid() {
        let replicas = state.withLock { $0.replicas.indices.map(logPath(ofReplica:)) }
        for path in [serverLogPath] + replicas {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
            let lines = text.split(separator: "\n").filter { !$0.contains(" debug ") }
            guard !lines.isEmpty else { continue }
            print("\(path.split(separator: "/").last ?? ""):\n\(lines.joined(separator: "\n"))")
        }
    }

    /// Daemons log everything: what a token was in is told, too.
    private func expectNoTokenInLogs() throws {
        let tokens = state.withLock { $0.tokens.union([token, clusterToken]) }
        for file in try FileManager.default.contentsOfDirectory(atPath: folder)
        where file.hasSuffix(".log") {
            let log = String(
                decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)")),
                as: UTF8.self)
            #expect(!tokens.contains { log.contains($0) }, "a token is in \(file)")
        }
    }

    private var serverLogPath: String { "\(folder)/FileServer.log" }

    private func logPath(ofReplica number: Int) -> String { "\(folder)/replica\(number).log" }

    // MARK: Daemons

    private var scheme: String { isSecure ? "https" : "http" }

    var url: String { "\(scheme)://127.0.0.1:\(state.withLock { $0.serverPort })" }

    private func url(ofReplica number: Int) -> String {
        "\(scheme)://127.0.0.1:\(state.withLock { $0.ports[number] })"
    }

    /// The options that name the replicas, but for some.
    func replicaOptions(without left: Set<Int> = []) -> [String] {
        state.withLock { $0.ports.indices }.filter { !left.contains($0) }.flatMap {
            ["--replica", "\(name(ofReplica: $0))=\(url(ofReplica: $0))"]
        }
    }

    var serverFolder: String { "\(folder)/server" }

    func replicaFolder(_ number: Int) -> String { "\(folder)/replica\(number)" }

    func name(ofReplica number: Int) -> String { "r\(number)" }

    private var secrets: [String: String] {
        var secrets = [
            "DEPOT_TOKEN": token, "DEPOT_CLUSTER_TOKEN": clusterToken,
            "XDG_CACHE_HOME": "\(folder)/cache",
        ]
        if isSecure { secrets["DEPOT_CA_FILE"] = "\(certificates)/ca.pem" }
        return secrets
    }

    var certificates: String { "\(folder)/certificates" }

    /// Makes those that are missing.
    ///
    /// - Parameter more: options, as `--renew`.
    func makeCertificates(_ more: [String] = []) async throws {
        let replicas = state.withLock { $0.ports.indices }.flatMap {
            ["--replica", "\(name(ofReplica: $0))@127.0.0.1"]
        }
        let made = try await run(
            ["tls", "init", certificates, "--fileserver", "127.0.0.1,localhost"] + replicas + more)
        guard made.status == 0 else { throw Failed(description: made.complaint) }
    }

    /// What a daemon is given of them; nothing without TLS.
    func tlsOptions(_ name: String) -> [String] {
        guard isSecure else { return [] }
        return [
            "--tls-certificate", "\(certificates)/\(name).pem", "--tls-key",
            "\(certificates)/\(name)-key.pem", "--tls-ca", "\(certificates)/ca.pem",
        ]
    }

    /// At the same address each time.
    ///
    /// - Parameter folder: its own where none is given.
    func startReplica(_ number: Int, folder: String? = nil) async throws {
        let port = state.withLock { $0.ports[number] }
        let process = try start(
            [
                "replica", "--data", folder ?? replicaFolder(number), "--listen",
                "127.0.0.1:\(port)", "--name", name(ofReplica: number), "--log-level", "debug",
            ] + tlsOptions(name(ofReplica: number)), environment: environment(.replica(number)),
            log: logPath(ofReplica: number))
        state.withLock { $0.replicas[number] = process }
        let announced = try await announcedPort(process)
        state.withLock { $0.ports[number] = announced }
    }

    /// At the same address each time.
    func startServer() async throws {
        let port = state.withLock { $0.serverPort }
        let process = try start(
            [
                "serve", "--data", serverFolder, "--listen", "127.0.0.1:\(port)",
                "--log-level", "debug",
            ] + tlsOptions("fileserver") + replicaOptions() + serveOptions,
            environment: environment(.server),
            log: serverLogPath)
        state.withLock { $0.server = process }
        let announced = try await announcedPort(process)
        state.withLock { $0.serverPort = announced }
    }

    /// A FileServer on another data folder, with the same replicas, at an address of its own.
    func startSecondServer(folder: String) async throws -> (process: ChildProcess, url: String) {
        let process = try start(
            ["serve", "--data", folder, "--listen", "127.0.0.1:0"] + replicaOptions()
                + serveOptions)
        return (process, "http://127.0.0.1:\(try await announcedPort(process))")
    }

    /// Starts a process that ends with the composition.
    func start(
        _ arguments: [String], environment: [String: String] = [:],
        input: FileHandle = .nullDevice, executable: String = Composition.executable,
        log: String? = nil
    ) throws -> ChildProcess {
        let process = try ChildProcess(
            executable, arguments,
            environment: secrets.merging(["DEPOT_SERVER": url]) { $1 }.merging(environment) { $1 },
            folder: folder, input: input, log: log)
        state.withLock { state in
            state.started.append(process)
            if let token = environment["DEPOT_TOKEN"] { state.tokens.insert(token) }
        }
        return process
    }

    /// Forgets a process that has ended, and what it wrote.
    func discard(_ process: ChildProcess) {
        process.discard()
        state.withLock { $0.started.removeAll { $0 === process } }
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
        let running = state.withLock { state in
            defer { state.replicas[number] = nil }
            return state.replicas[number]
        }
        let process = try #require(running)
        return try await process.stop(signal)
    }

    func signalServer(_ signal: Int32) { state.withLock { $0.server }?.send(signal) }

    func serverLog() throws -> String { try String(contentsOfFile: serverLogPath, encoding: .utf8) }

    func log(ofReplica number: Int) throws -> String {
        try String(contentsOfFile: logPath(ofReplica: number), encoding: .utf8)
    }

    @discardableResult
    func stopServer(_ signal: Int32) async throws -> Int32 {
        let running = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        let process = try #require(running)
        return try await process.stop(signal)
    }

    /// Loses the FileServer's folder, and has the catalog made again from all replicas.
    func remakeCatalog(stopping signal: Int32) async throws {
        try await stopServer(signal)
        try FileManager.default.removeItem(atPath: serverFolder)
        let rebuilt = try await run(
            ["rebuild-catalog", "--data", serverFolder] + replicaOptions())
        #expect(rebuilt.status == 0, "\(rebuilt.complaint)")
        try await startServer()
    }

    /// Waits until the FileServer sees a replica so.
    func awaitReplica(_ number: Int, _ state: String) async throws {
        try await awaitReplica(number, among: [state])
    }

    func awaitReplica(_ number: Int, among states: Set<String>) async throws {
        try await poll("replica \(number) to be seen \(states)") {
            let status = try await client(["status"], as: Status.self)
            return status.replicas.contains {
                $0.name == name(ofReplica: number) && states.contains($0.state)
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
