import Foundation
import Glibc

struct CommandFailed: Error, CustomStringConvertible {
    let description: String
}

/// A program with its arguments, to be run to its end.
struct Command {
    var executable: String
    var arguments: [String]
    var environment: [String: String] = [:]
    /// Where it runs; here otherwise.
    var folder: String?
    var output = FileHandle.nullDevice
    /// Exit codes that are no failure.
    var allowed: Set<Int32> = [0]

    fileprivate func start() throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        try process.run()
        return process
    }

    fileprivate func check(_ process: Process) throws {
        guard !allowed.contains(process.terminationStatus) else { return }
        throw CommandFailed(
            description: "\(executable) \(arguments.joined(separator: " ")) ended with "
                + "\(process.terminationStatus)")
    }
}

/// Runs commands at once, all to their end.
///
/// - Returns: wall seconds, CPU seconds of them and of what they started and waited for, and the highest peak in MiB as
///   far as it was seen.
@discardableResult
func measured(_ commands: [Command]) throws -> (seconds: Double, usage: Usage) {
    let before = Usage.own(Usage.children)
    let began = ContinuousClock.now
    let processes = try commands.map { try $0.start() }
    var usage = Usage()
    // Short runs are looked at often, long ones seldom: looking takes time, too.
    var pause: UInt32 = 1_000
    while processes.contains(where: \.isRunning) {
        for process in processes where process.isRunning {
            usage.peakMiB = max(usage.peakMiB, Usage.of(process.processIdentifier).peakMiB)
        }
        usleep(pause)
        pause = min(10_000, pause + pause / 16)
    }
    for process in processes { process.waitUntilExit() }
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    for (command, process) in zip(commands, processes) { try command.check(process) }
    usage.cpu = Usage.own(Usage.children) - before
    return (seconds, usage)
}

@discardableResult
func measured(
    _ executable: String, _ arguments: [String], environment: [String: String] = [:],
    output: FileHandle = .nullDevice
) throws -> (seconds: Double, usage: Usage) {
    try measured([
        Command(
            executable: executable, arguments: arguments, environment: environment, output: output)
    ])
}
