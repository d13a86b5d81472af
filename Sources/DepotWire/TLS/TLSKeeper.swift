import DepotCertificates
import DepotCore
import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Certificates are renewed while a daemon runs. What it had stays in use until the new files are
// whole and right, so that half a renewal, or a wrong one, ends nothing; connections that are open
// keep what they began with.

/// A daemon's certificate, key and authority, and the newer ones that take their place.
public final class TLSKeeper: Sendable {
    /// What became of a look at the files.
    public enum Look: Sendable {
        case unchanged
        /// The new ones are used from now on.
        case renewed
        /// They are not used. It is told once for each change of the files.
        case refused(DepotError)
    }

    struct Current: Sendable {
        let material: TLSMaterial
        let contexts: TLSContexts
    }

    private struct State {
        var current: Current
        var stamps: [FileStamp]
    }

    public let files: TLSFiles
    private let asksCallers: Bool
    private let clock: @Sendable () -> Int64
    private let state: Mutex<State>

    /// - Parameters:
    ///   - asksCallers: whether those that connect are asked for their certificates.
    ///   - clock: seconds since 1970.
    /// - Throws: what is wrong with which file.
    public init(
        _ files: TLSFiles, asksCallers: Bool,
        clock: @escaping @Sendable () -> Int64 = TLSKeeper.wallClock
    ) throws(DepotError) {
        self.files = files
        self.asksCallers = asksCallers
        self.clock = clock
        let stamps = files.paths.map(FileStamp.init)
        let current = try Self.load(files, asksCallers, at: clock())
        state = Mutex(State(current: current, stamps: stamps))
    }

    public static let wallClock: @Sendable () -> Int64 = {
        Int64(exactly: Date().timeIntervalSince1970.rounded(.down)) ?? 0
    }

    private static func load(
        _ files: TLSFiles, _ asksCallers: Bool, at now: Int64
    ) throws(DepotError) -> Current {
        let material = try TLSMaterial.read(files, at: now)
        return Current(
            material: material, contexts: try TLSContexts(material, asksCallers: asksCallers))
    }

    /// The daemon's own.
    public var certificate: Certificate { current.material.certificate }

    /// Whole days until it expires.
    public var daysLeft: Int { certificate.daysLeft(at: now) }

    /// Whole days until something ends.
    ///
    /// - Parameters: of seconds since 1970, both.
    public static func days(until end: Int64, at now: Int64) -> Int {
        Int(((Double(end) - Double(now)) / 86_400).rounded(.down))
    }

    var current: Current { state.withLock { $0.current } }
    var now: Int64 { clock() }

    /// Looks whether the files have changed, and takes new ones that are right. One at a time.
    ///
    /// - Parameter isSure: reads them though they seem to be the same.
    public func look(isSure: Bool = false) -> Look {
        // Before they are read: what changes meanwhile is read at the next look.
        let stamps = files.paths.map(FileStamp.init)
        guard isSure || stamps != state.withLock({ $0.stamps }) else { return .unchanged }
        do throws(DepotError) {
            let next = try Self.load(files, asksCallers, at: clock())
            try checkRole(of: next.material.certificate)
            state.withLock { state in
                state.stamps = stamps
                state.current = next
            }
            return .renewed
        } catch {
            state.withLock { $0.stamps = stamps }
            return .refused(error)
        }
    }

    /// Who a daemon is does not change while it runs.
    private func checkRole(of certificate: Certificate) throws(DepotError) {
        guard certificate.role == self.certificate.role else {
            throw DepotError(
                .conflict,
                "the new certificate is of \(certificate.role?.uri ?? "nobody of depot's"), and "
                    + "this is \(self.certificate.role?.uri ?? "nobody of depot's")",
                object: files.certificate)
        }
    }
}

/// What of a file changes when it is written or another takes its place.
private struct FileStamp: Equatable {
    var device: UInt64 = 0
    var number: UInt64 = 0
    var size: Int64 = -1
    var seconds = 0
    var nanoseconds = 0

    init(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
