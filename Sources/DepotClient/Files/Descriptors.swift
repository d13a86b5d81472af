import CLinux
import DepotCore
import Glibc
import NIOCore

// A client opens files by the hundred where it may, and has to know where it may not: an event loop
// that gets no descriptor ends the process, and a connection that gets none looks like a server
// that is away.

/// How many file descriptors a client has, and what it does with them.
public enum Descriptors {
    /// More than this is no use to a client.
    private static let useful: rlim_t = 4_096
    /// What is open at the least: three streams, an event loop for each core, signals, the
    /// connections of one file, the root of a tree and a few of its folders, a cache and its log.
    private static let needed = 3 + 3 * System.coreCount + 4 + connectionsOfUnit + 6 + 2
    private static let connectionsOfUnit = 6
    /// A file and its folder.
    private static let ofFile = 2
    private static let groupMax = 256
    private static let unitsMax = 6

    /// Takes as many as the system lets this process have.
    ///
    /// - Throws: `busy` where they are too few to do anything.
    public static func prepare() throws(DepotError) {
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
            limit.rlim_cur < min(limit.rlim_max, useful)
        {
            limit.rlim_cur = min(limit.rlim_max, useful)
            // What it has must do otherwise.
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        var probes: [Int32] = []
        defer { for probe in probes { close(probe) } }
        // The three streams are open already.
        for _ in 3..<needed {
            let probe = open("/", Int32(DEPOT_O_PATH) | O_CLOEXEC)
            guard probe >= 0 else {
                throw DepotError(
                    .busy,
                    "too few file descriptors: at least \(needed) are needed; raise the limit with "
                        + "ulimit -n")
            }
            probes.append(probe)
        }
    }

    private static var spare: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return max(0, Int(min(limit.rlim_cur, useful)) - needed)
    }

    /// Files or groups of files that are retrieved at once.
    public static var unitsAtOnce: Int {
        min(max(1, spare / (4 * (connectionsOfUnit + ofFile))), unitsMax)
    }

    /// Files of one group that are written at once. Two groups are being written at most.
    static var filesAtOnce: Int {
        let left = spare - (unitsAtOnce - 1) * (connectionsOfUnit + ofFile)
        return min(max(1, left / (2 * ofFile)), groupMax)
    }
}
