import Foundation
import Glibc

/// CPU seconds that a process has taken, kernel and all, and the most memory that it had at once.
struct Usage: Encodable {
    var cpu = 0.0
    var peakMiB = 0.0

    /// Of a process that runs.
    static func of(_ process: Int32) -> Usage {
        var usage = Usage()
        var clock = clockid_t()
        var time = timespec()
        // In nanoseconds; /proc counts hundredths of a second.
        if clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 {
            usage.cpu = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        if let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").dropLast().last.flatMap({ Double($0) })
        {
            usage.peakMiB = kibibytes / 1_024
        }
        return usage
    }

    /// From here on the peak of a process that runs is that of what it does next.
    static func forgetPeak(of process: Int32) {
        try? "5".write(toFile: "/proc/\(process)/clear_refs", atomically: false, encoding: .utf8)
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

    /// What was taken since then; the peak stays what it is.
    func since(_ earlier: Usage) -> Usage { Usage(cpu: cpu - earlier.cpu, peakMiB: peakMiB) }

    /// CPU seconds of both, and the higher peak.
    static func + (left: Usage, right: Usage) -> Usage {
        Usage(cpu: left.cpu + right.cpu, peakMiB: max(left.peakMiB, right.peakMiB))
    }
}
