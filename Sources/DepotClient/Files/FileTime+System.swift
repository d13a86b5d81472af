import DepotCore
import Glibc

extension FileTime {
    /// `nil` for nanoseconds that are no part of a second, as some file systems give them.
    init?(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}

extension timespec {
    init(_ time: FileTime) {
        self.init(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanosecondsOfSecond))
    }
}
