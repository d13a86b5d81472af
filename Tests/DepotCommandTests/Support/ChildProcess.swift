import Foundation
import Synchronization

// By hand, and not with swift-subprocess: that runs a process for as long as a closure runs. Here one
// call starts a daemon, and others signal it, look at it in /proc and wait for its end, in tests of any
// shape; each would need a task and two continuations around that closure, more than stands here.

/// A process whose output goes to files, so that it never waits for a reader.
///
/// Foundation's `Process` may be asked from any thread, and nothing else here changes.
final class ChildProcess: @unchecked Sendable {
    struct Outcome {
        let status: Int32
        let output: Data
        let complaint: String

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    struct TimedOut: Error, CustomStringConvertible {
        let description: String
    }

    struct TooManyDescriptors: Error, CustomStringConvertible {
        let description: String
    }

    private let process = Process()
    private let outputPath: String
    private let complaintPath: String
    private let hasLog: Bool

    /// - Parameters:
    ///   - input: empty where none is given.
    ///   - log: gets what it complains about, behind what is there; a file of its own where none is given.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String],
        folder: String, input: FileHandle = .nullDevice, log: String? = nil
    ) throws {
        let stem = "\(folder)/process-\(UUID().uuidString)"
        outputPath = "\(stem).out"
        hasLog = log != nil
        complaintPath = log ?? "\(stem).err"
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = input
        let files = try [Self.make(outputPath), Self.make(complaintPath)]
        (process.standardOutput, process.standardError) = (files[0], files[1])
        // The child has its own. `Process` keeps these open for as long as the tests run.
        defer { for file in files { try? file.close() } }
        let process = process
        try Self.starting.withLock { _ in
            try Self.requireFewDescriptors()
            for signal in [SIGHUP, SIGINT, SIGTERM] { Self.stopIgnoring(signal) }
            try process.run()
        }
    }

    /// A shell lets what it starts in the background ignore signals, and whoever is started ignores what its parent
    /// does: these tests are of commands that somebody started in front of a terminal.
    private static func stopIgnoring(_ number: Int32) {
        var action = sigaction()
        sigaction(number, nil, &action)
        if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 {
            signal(number, SIG_DFL)
        }
    }

    /// Some tests have a hundred or two. From 1,300 on `Process` reads behind the end of the list that the kernel gives
    /// of them, and the tests may end with it, somewhere and without a word.
    private static let descriptorsMax = 1_000

    private static func requireFewDescriptors() throws {
        guard let folder = opendir("/proc/self/fd") else { throw CocoaError(.fileReadUnknown) }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        guard count <= descriptorsMax else {
            throw TooManyDescriptors(
                description: "\(count) files are open: a test does not close its own")
        }
    }

    /// One at a time: a process learns of its child's end by a socket that every child which is started in between
    /// would keep open.
    private static let starting = Mutex(())

    private static func make(_ path: String) throws -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Deletes what it wrote, but for a log that others write, too.
    func discard() {
        unlink(outputPath)
        if !hasLog { unlink(complaintPath) }
    }

    var isRunning: Bool { process.isRunning }

    /// Whether it has something open whose name begins so, as `socket:`.
    func hasOpened(_ what: String) -> Bool {
        let folder = "/proc/\(process.processIdentifier)/fd"
        let files = FileManager.default
        let numbers = (try? files.contentsOfDirectory(atPath: folder)) ?? []
        return numbers.contains { number in
            let name = try? files.destinationOfSymbolicLink(atPath: "\(folder)/\(number)")
            return name?.hasPrefix(what) ?? false
        }
    }

    func output() throws -> String { try String(contentsOfFile: outputPath, encoding: .utf8) }

    func complaint() throws -> String { try String(contentsOfFile: complaintPath, encoding: .utf8) }

    func send(_ signal: Int32) {
        // Only while it is ours: its number may be another's after that.
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Whether it has made up its mind what to do at a signal, as Linux tells in hexadecimal bits.
    func catches(_ signal: Int32) -> Bool {
        let status = try? String(
            contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let bits = status?.firstMatch(of: /SigCgt:\s*([0-9a-f]+)/).flatMap {
            UInt64($0.1, radix: 16)
        }
        return bits.map { $0 >> UInt64(signal - 1) & 1 == 1 } ?? false
    }

    /// - Throws: `TimedOut`, having killed it.
    func outcome(within limit: Duration = .seconds(60)) async throws -> Outcome {
        do {
            try await poll("the end of \(process.arguments ?? [])", within: limit) {
                !process.isRunning
            }
        } catch {
            send(SIGKILL)
            throw error
        }
        return Outcome(
            status: process.terminationStatus,
            output: try Data(contentsOf: URL(fileURLWithPath: outputPath)),
            complaint: try complaint())
    }

    func stop(_ signal: Int32, within limit: Duration = .seconds(20)) async throws -> Int32 {
        send(signal)
        return try await outcome(within: limit).status
    }
}

/// Asks again and again until it is so.
func poll(
    _ what: String, within limit: Duration = .seconds(30), _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !isSo() {
        guard ContinuousClock.now < deadline else {
            throw ChildProcess.TimedOut(description: "waited \(limit) in vain for \(what)")
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}
