import CLinux
import Glibc

/// The extended attributes of what is open, be it as a mere path, as the kernel has them.
enum AttributeList {
    static let accessList = "system.posix_acl_access"
    static let defaultList = "system.posix_acl_default"

    /// Which are deposited and restored unless all are asked for: those that users make, and access
    /// control lists. The others are the system's own: of security modules, and of the
    /// administrator's programs.
    static func isUsual(_ name: String) -> Bool {
        name.hasPrefix("user.") || name == accessList || name == defaultList
    }

    /// What an access list says of the owning group: 0 to 7; nothing where it is none.
    static func groupRights(of list: [UInt8]) -> mode_t {
        // Version 2: four bytes, then entries of tag, rights and number, of 2, 2 and 4 bytes.
        let (header, entry, owningGroup): (Int, Int, UInt8) = (4, 8, 4)
        for start in stride(from: header, to: list.count - entry + 1, by: entry)
        where list[start] == owningGroup && list[start + 1] == 0 {
            return mode_t(list[start + 2] & 0o7)
        }
        return 0
    }

    enum Answer {
        case found([String])
        /// Some are none that a record could name.
        case unnamed
        case refused(Int32)
    }

    /// Longer lists and values than Linux has do not occur.
    private static let listSizeMax = 64 << 10

    static func names(of descriptor: Int32) -> Answer {
        let size = list(descriptor, nil, 0)
        // Most files have none, and some file systems know none.
        if size == 0 || size < 0 && errno == ENOTSUP { return .found([]) }
        guard size > 0 else { return .refused(errno) }
        var text = [CChar](repeating: 0, count: listSizeMax)
        let count = list(descriptor, &text, text.count)
        guard count >= 0 else { return .refused(errno) }
        let parts = text[..<count].map(UInt8.init(bitPattern:)).split(separator: 0)
        let names = parts.compactMap { String(validating: $0, as: UTF8.self) }
        return names.count == parts.count ? .found(names) : .unnamed
    }

    private static func list(
        _ descriptor: Int32, _ text: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> Int {
        PathDescriptor.call(descriptor) {
            flistxattr($0, text, size)
        } orBy: {
            listxattr($0, text, size)
        }
    }

    /// - Returns: `nil` with `errno`.
    static func value(of name: String, _ descriptor: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: listSizeMax)
        let count = bytes.withUnsafeMutableBytes { room in
            PathDescriptor.call(descriptor) {
                fgetxattr($0, name, room.baseAddress, room.count)
            } orBy: {
                getxattr($0, name, room.baseAddress, room.count)
            }
        }
        return count < 0 ? nil : Array(bytes[..<count])
    }

    /// - Returns: 0, or an `errno`.
    static func set(_ name: String, _ value: [UInt8], _ descriptor: Int32) -> Int32 {
        let refusal = PathDescriptor.call(descriptor) {
            fsetxattr($0, name, value, value.count, 0)
        } orBy: {
            setxattr($0, name, value, value.count, 0)
        }
        return refusal == 0 ? 0 : errno
    }

    static func remove(_ name: String, _ descriptor: Int32) {
        _ = PathDescriptor.call(descriptor) {
            fremovexattr($0, name)
        } orBy: {
            removexattr($0, name)
        }
    }
}
