import DepotCore
import Glibc

/// Gives files the modes and times that they had. What is refused costs no bytes: it is told.
struct FileAttributes: Sendable {
    /// As `fchmod` and `futimens`: 0, or an `errno`.
    var setMode: @Sendable (Int32, mode_t) -> Int32
    var setTime: @Sendable (Int32, timespec) -> Int32

    static let system = FileAttributes(
        setMode: { fchmod($0, $1) == 0 ? 0 : errno },
        setTime: { futimens($0, [$1, $1]) == 0 ? 0 : errno })

    /// What the user's programs give to new files. Asked for once: the mask can only be read by
    /// setting it.
    private static let modeOfNewFiles: mode_t = {
        let mask = umask(0o077)
        umask(mask)
        return 0o666 & ~mask
    }()

    /// All file systems have these seconds.
    private static let timesOfAll: Range<Int64> = 315_619_200..<2_147_483_648
    /// Some round to even seconds.
    private static let secondsRounded: Int64 = 2

    /// - Returns: what of it was refused.
    func restore(_ metadata: FileMetadata, to descriptor: Int32) -> [RestoreWarning] {
        var warnings: [RestoreWarning] = []
        let mode = metadata.mode.map(mode_t.init) ?? Self.modeOfNewFiles
        if mode & 0o7000 != 0 { warnings.append(.privileges) }
        let refusal = setMode(descriptor, mode & 0o777)
        if refusal != 0 { warnings.append(.mode(refusal)) }
        guard let modified = metadata.modified else { return warnings }
        let time = timespec(
            tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanosecondsOfSecond))
        switch setTime(descriptor, time) {
        case 0: if !Self.has(descriptor, modified) { warnings.append(.timeReplaced) }
        case let code: warnings.append(.time(code))
        }
        return warnings
    }

    /// A time that a file system does not have becomes the nearest one that it has, and nobody says
    /// so.
    private static func has(_ descriptor: Int32, _ time: FileTime) -> Bool {
        if timesOfAll.contains(time.seconds) { return true }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return true }
        let found = Int64(status.st_mtim.tv_sec)
        let (distance, isFar) = found.subtractingReportingOverflow(time.seconds)
        return !isFar && (-secondsRounded...secondsRounded).contains(distance)
    }
}
