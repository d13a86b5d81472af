import Glibc

// Whoever rewrites a file in place can set its modification time back: databases, rsync, touch.
// Nobody can set the time of its last change of any kind. The kernel stamps changes with a clock
// that ticks every few milliseconds: two of them within a tick look like one. So reading begins in
// a later tick than that of the last change.

/// What tells one state of a file from another.
struct FileState: Equatable {
    private let device: dev_t
    private let inode: ino_t
    let size: Int64
    private let modified: Instant
    private let changed: Instant

    private struct Instant: Equatable {
        let seconds: Int
        let nanoseconds: Int

        init(_ time: timespec) { (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec) }
    }

    init(_ status: stat) {
        device = status.st_dev
        inode = status.st_ino
        size = Int64(status.st_size)
        modified = Instant(status.st_mtim)
        changed = Instant(status.st_ctim)
    }

    /// Eight bytes for each part, the same for the same state and for no other one.
    var bytes: [UInt8] {
        let times = [modified, changed].flatMap { [$0.seconds, $0.nanoseconds] }
        let parts =
            [UInt64(truncatingIfNeeded: device), UInt64(truncatingIfNeeded: inode)]
            + [UInt64(bitPattern: size)] + times.map { UInt64(truncatingIfNeeded: $0) }
        return parts.flatMap { part in withUnsafeBytes(of: part.bigEndian) { Array($0) } }
    }

    /// Whether every change of the file after a moment shows in its state: the last one before it
    /// lies further back than what a clock, or a file system, tells apart.
    ///
    /// - Parameter age: seconds.
    func wasLeftAlone(for age: Int, at moment: timespec) -> Bool {
        let end = (seconds: changed.seconds &+ age, nanoseconds: changed.nanoseconds)
        return end < (moment.tv_sec, moment.tv_nsec)
    }

    /// By the clock that changes are stamped with.
    static var now: timespec {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        return now
    }

    /// A few ticks, of 1 to 10 milliseconds each, in nanoseconds.
    private static let ticks = 20_000_000
    private static let pause: UInt32 = 2_000

    /// The state of an open file, at a time when each later change will show in another one.
    ///
    /// - Returns: `nil` where it cannot be told.
    static func settled(_ descriptor: Int32) -> stat? {
        // A server's clock may be ahead of this machine's: it is waited for, but not for ever.
        for _ in 0..<(ticks / 1_000 / Int(pause)) {
            let now = now
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return nil }
            if !mayHideAChange(since: status.st_ctim, now: now) { return status }
            usleep(pause)
        }
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status : nil
    }

    /// Whether a change now could get the time stamp that the last one had.
    static func mayHideAChange(since last: timespec, now: timespec) -> Bool {
        let ahead =
            (Int128(last.tv_sec) - Int128(now.tv_sec)) * 1_000_000_000
            + Int128(last.tv_nsec) - Int128(now.tv_nsec)
        return (0...Int128(ticks)).contains(ahead)
    }
}
