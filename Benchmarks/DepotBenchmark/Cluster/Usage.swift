import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// CPU seconds that a process has taken, kernel and all, and the most memory that it had at once.
struct Usage: Encodable {
    var cpu = 0.0
    var peakMiB = 0.0

    /// Of a process that runs.
    static func of(_ process: Int32) -> Usage {
        var usage = Usage()
        if let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        {
            let fields = stat[stat.index(end, offsetBy: 2)...].split(separator: " ")
            let ticks = (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
            usage.cpu = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
        if let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").dropLast().last.flatMap({ Double($0) })
        {
            usage.peakMiB = kibibytes / 1_024
        }
        return usage
    }

    /// CPU seconds of this process, and of its children that have ended.
    static func own(_ who: Int32) -> Double {
        var usage = rusage()
        getrusage(who, &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    static let children: Int32 = -1
    static let itself: Int32 = 0
}

struct CommandFailed: Error, CustomStringConvertible {
    let description: String
}

/// Runs a command to its end.
///
/// - Returns: wall seconds, CPU seconds, and its peak in MiB as far as it was seen.
@discardableResult
func measured(
    _ executable: String, _ arguments: [String], environment: [String: String] = [:],
    output: FileHandle = .nullDevice, allowed: Set<Int32> = [0]
) throws -> (seconds: Double, usage: Usage) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = output
    let before = Usage.own(Usage.children)
    let began = ContinuousClock.now
    try process.run()
    var usage = Usage()
    while process.isRunning {
        usage.peakMiB = max(usage.peakMiB, Usage.of(process.processIdentifier).peakMiB)
        usleep(20_000)
    }
    process.waitUntilExit()
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    guard allowed.contains(process.terminationStatus) else {
        throw CommandFailed(
            description: "\(executable) \(arguments.joined(separator: " ")) ended with "
                + "\(process.terminationStatus)")
    }
    usage.cpu = Usage.own(Usage.children) - before
    return (seconds, usage)
}
