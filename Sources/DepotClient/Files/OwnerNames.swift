import DepotCore
import Glibc
import Synchronization

/// The names of users and groups of this machine. Each is asked for once: a directory service may
/// take its time.
final class OwnerNames: Sendable {
    static let system = OwnerNames()

    private struct State {
        var users: [uid_t: String?] = [:]
        var groups: [gid_t: String?] = [:]
        var userNumbers: [String: uid_t?] = [:]
        var groupNumbers: [String: gid_t?] = [:]
    }

    /// Names and numbers from a depot may be any: they are forgotten before they are too many.
    private static let knownMax = 10_000
    private static let entrySizeMax = 64 << 10
    private let state = Mutex(State())

    /// Whose a file is; a name that no record takes is left out.
    func ownership(of status: stat) -> Ownership? {
        let (user, group) = state.withLock { state in
            (
                Self.known(status.st_uid, &state.users, Self.userName),
                Self.known(status.st_gid, &state.groups, Self.groupName)
            )
        }
        return
            (try? Ownership(
                user: status.st_uid, group: status.st_gid, userName: user, groupName: group))
            ?? (try? Ownership(user: status.st_uid, group: status.st_gid))
    }

    /// The numbers that the owner has here: those of the names, where there are such, else its own.
    func numbers(of ownership: Ownership) -> (user: uid_t, group: gid_t) {
        state.withLock { state in
            let user = ownership.userName.flatMap {
                Self.known($0, &state.userNumbers, Self.userNumber)
            }
            let group = ownership.groupName.flatMap {
                Self.known($0, &state.groupNumbers, Self.groupNumber)
            }
            return (user ?? ownership.user, group ?? ownership.group)
        }
    }

    private static func known<Key: Hashable, Value>(
        _ key: Key, _ table: inout [Key: Value?], _ find: (Key) -> Value?
    ) -> Value? {
        if let known = table[key] { return known }
        if table.count >= knownMax { table.removeAll() }
        let found = find(key)
        table[key] = .some(found)
        return found
    }

    private static func userName(_ number: uid_t) -> String? {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        return withBuffer {
            getpwuid_r(number, &entry, $0, $1, &found)
        } read: {
            found.map { String(cString: $0.pointee.pw_name) }
        }
    }

    private static func groupName(_ number: gid_t) -> String? {
        var (entry, found) = (group(), UnsafeMutablePointer<group>?.none)
        return withBuffer {
            getgrgid_r(number, &entry, $0, $1, &found)
        } read: {
            found.map { String(cString: $0.pointee.gr_name) }
        }
    }

    private static func userNumber(_ name: String) -> uid_t? {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        return withBuffer {
            getpwnam_r(name, &entry, $0, $1, &found)
        } read: {
            found?.pointee.pw_uid
        }
    }

    private static func groupNumber(_ name: String) -> gid_t? {
        var (entry, found) = (group(), UnsafeMutablePointer<group>?.none)
        return withBuffer {
            getgrnam_r(name, &entry, $0, $1, &found)
        } read: {
            found?.pointee.gr_gid
        }
    }

    /// Entries of large groups take their room.
    private static func withBuffer<Value>(
        _ ask: (UnsafeMutablePointer<CChar>, Int) -> Int32, read: () -> Value?
    ) -> Value? {
        var size = 4 << 10
        while size <= entrySizeMax {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { buffer.deallocate() }
            switch ask(buffer, size) {
            case 0: return read()
            case ERANGE: size *= 2
            default: return nil
            }
        }
        return nil
    }
}
