import Foundation
import Glibc

/// A process that serves until it is stopped.
final class Daemon {
    private let process = Process()

    /// What it said on its standard output up to the end of a line.
    private(set) var greeting = ""

    /// - Parameter waits: whether to wait until it has said a line.
    init(_ command: Command, waits: Bool = true) throws {
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: command.executable)
        process.arguments = command.arguments
        process.environment = ProcessInfo.processInfo.environment.merging(command.environment) {
            $1
        }
        process.standardOutput = waits ? pipe : FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        while waits, !greeting.contains("\n") {
            let data = pipe.fileHandleForReading.availableData
            guard !data.isEmpty else {
                throw CommandFailed(
                    description: "\(command.executable) \(command.arguments) did not start")
            }
            greeting += String(decoding: data, as: UTF8.self)
        }
    }

    deinit { stop() }

    /// The port that one of ours said.
    var port: Int {
        get throws {
            guard let port = greeting.firstMatch(of: /listens on port ([0-9]+)/)?.1,
                let number = Int(port)
            else { throw CommandFailed(description: "no port: \(greeting)") }
            return number
        }
    }

    var usage: Usage { Usage.of(process.processIdentifier) }

    func forgetPeak() { Usage.forgetPeak(of: process.processIdentifier) }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    func kill() {
        guard process.isRunning else { return }
        _ = Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
