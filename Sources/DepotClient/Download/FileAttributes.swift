import CLinux
import DepotCore
import Glibc

import struct SystemPackage.FilePath

/// What is to be restored of files beside their bytes, modes and times.
public struct RestoreOptions: Sendable {
    public enum Owners: Sendable {
        case kept
        /// Those of the names on this machine, else the numbers.
        case byName
        case byNumber
    }

    public var owners: Owners
    /// Attributes of the system, too.
    public var includesAllAttributes: Bool

    /// - Parameter owners: by name where the process may give files away, unless it is told.
    public init(owners: Owners? = nil, includesAllAttributes: Bool = false) {
        self.owners = owners ?? (geteuid() == 0 ? .byName : .kept)
        self.includesAllAttributes = includesAllAttributes
    }
}

/// Gives files what they had. What is refused costs no bytes: it is told.
struct FileAttributes: Sendable {
    var options = RestoreOptions()
    /// As `fchown`, `fchmod`, `fsetxattr` and `futimens`, but also of what is open as a mere path:
    /// 0, or an `errno`.
    var setOwner: @Sendable (Int32, uid_t, gid_t) -> Int32 = { descriptor, user, group in
        let refusal = PathDescriptor.call(descriptor) {
            fchown($0, user, group)
        } orBy: {
            chown($0, user, group)
        }
        return refusal == 0 ? 0 : errno
    }
    var setMode: @Sendable (Int32, mode_t) -> Int32 = { descriptor, mode in
        let refusal = PathDescriptor.call(descriptor) {
            fchmod($0, mode)
        } orBy: {
            chmod($0, mode)
        }
        return refusal == 0 ? 0 : errno
    }
    var setAttribute: @Sendable (Int32, String, [UInt8]) -> Int32 = {
        AttributeList.set($1, $2, $0)
    }
    var setTime: @Sendable (Int32, timespec) -> Int32 = { descriptor, time in
        let refusal = PathDescriptor.call(descriptor) {
            futimens($0, [time, time])
        } orBy: {
            utimensat(AT_FDCWD, $0, [time, time], 0)
        }
        return refusal == 0 ? 0 : errno
    }

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

    /// Restores a file, a folder or a special file: its owner first, since a change of it takes privileges away;
    /// attributes of users before the mode, which may forbid them; access lists and attributes of
    /// the system behind it, and the time last.
    ///
    /// - Returns: what of it was refused.
    func restore(_ metadata: FileMetadata, to descriptor: Int32) -> [RestoreWarning] {
        var warnings: [RestoreWarning] = []
        let owner = restoreOwner(of: metadata, descriptor, &warnings)
        let values = metadata.extended?.values ?? [:]
        removeOthers(than: values, of: metadata.kind, descriptor)
        restoreAttributes(values.filter { $0.key.hasPrefix("user.") }, descriptor, &warnings)
        restoreMode(of: metadata, descriptor, as: owner, &warnings)
        restoreAttributes(values.filter { !$0.key.hasPrefix("user.") }, descriptor, &warnings)
        guard let modified = metadata.modified else { return warnings }
        switch setTime(descriptor, timespec(modified)) {
        case 0: if !Self.has(descriptor, modified) { warnings.append(.timeReplaced) }
        case let code: warnings.append(.time(code))
        }
        return warnings
    }

    /// Whether a file that is there has all that `restore` gives, but for its time.
    func isRestored(_ metadata: FileMetadata, _ descriptor: Int32, _ status: stat) -> Bool {
        if let wanted = owner(of: metadata), (status.st_uid, status.st_gid) != wanted {
            return false
        }
        if let mode = metadata.mode, status.st_mode & 0o7777 != mode_t(mode) { return false }
        guard case .found(let names) = AttributeList.names(of: descriptor) else { return false }
        let isWanted = { options.includesAllAttributes || AttributeList.isUsual($0) }
        let wanted = (metadata.extended?.values ?? [:]).filter { isWanted($0.key) }
        let found = names.filter(isWanted)
        return found.count == wanted.count
            && found.allSatisfy { wanted[$0] == AttributeList.value(of: $0, descriptor) }
    }

    /// Whether a file has the owner that it is to have, or is not to get any.
    func hasOwner(_ metadata: FileMetadata, _ status: stat) -> Bool {
        guard options.owners != .kept, let wanted = owner(of: metadata) else { return true }
        return (status.st_uid, status.st_gid) == wanted
    }

    /// Makes a symbolic link in place of a file or a link, with all that it had.
    ///
    /// - Returns: what of it was refused.
    func makeLink(
        _ name: FilePath.Component, to target: LinkTarget, _ metadata: FileMetadata,
        in folder: OpenFolder
    ) throws(DepotError) -> [RestoreWarning] {
        try folder.requireReplaceable(name)
        let fresh = FilePath(PartFile.freshName())
        let made = fresh.withPlatformString {
            symlinkat(target.platformString, folder.descriptor, $0)
        }
        guard made == 0, let freshName = fresh.lastComponent else {
            throw .file("cannot be made", folder.shown(FilePath(name)))
        }
        let warnings = restoreLink(metadata, freshName, in: folder)
        try folder.rename(fresh, to: name)
        return warnings
    }

    /// Makes a pipe, a socket or a device in place of a file, a link or one like it, with all that
    /// it had.
    ///
    /// - Returns: what of it was refused; `specialLeft` alone where it was not made.
    func makeSpecial(
        _ name: FilePath.Component, _ special: SpecialFile, _ metadata: FileMetadata,
        in folder: OpenFolder
    ) throws(DepotError) -> [RestoreWarning] {
        if folder.status(FilePath(name)).flatMap(SpecialFile.init) != special {
            try folder.requireReplaceable(name)
        }
        let fresh = FilePath(PartFile.freshName())
        let node = special.node
        let made = fresh.withPlatformString {
            mknodat(folder.descriptor, $0, node.kind | 0o600, node.device)
        }
        guard made == 0 else {
            let code = errno
            guard [EPERM, EOPNOTSUPP, ENOSYS].contains(code) else {
                throw .file("cannot be made", folder.shown(FilePath(name)), errno: code)
            }
            return [.specialLeft(isDevice: special.isDevice, code)]
        }
        let found = folder.open(fresh, Int32(DEPOT_O_PATH))
        guard found >= 0 else {
            throw .file("cannot be made", folder.shown(FilePath(name)))
        }
        defer { close(found) }
        let warnings = restore(metadata, to: found)
        try folder.rename(fresh, to: name)
        return warnings
    }

    /// Restores a symbolic link, which has a name and cannot be opened.
    func restoreLink(
        _ metadata: FileMetadata, _ name: FilePath.Component, in folder: OpenFolder
    ) -> [RestoreWarning] {
        var warnings: [RestoreWarning] = []
        var status = stat()
        if let wanted = owner(of: metadata),
            name.withPlatformString({
                fstatat(folder.descriptor, $0, &status, AT_SYMLINK_NOFOLLOW)
            }) == 0, (status.st_uid, status.st_gid) != wanted
        {
            if options.owners == .kept {
                warnings.append(.ownerKept)
            } else if name.withPlatformString({
                fchownat(folder.descriptor, $0, wanted.user, wanted.group, AT_SYMLINK_NOFOLLOW)
            }) != 0 {
                warnings.append(.owner(errno))
            }
        }
        if let modified = metadata.modified {
            let time = timespec(modified)
            let refusal = name.withPlatformString {
                utimensat(folder.descriptor, $0, [time, time], AT_SYMLINK_NOFOLLOW)
            }
            if refusal != 0 { warnings.append(.time(errno)) }
        }
        return warnings
    }

    // MARK: Owner and mode

    private func owner(of metadata: FileMetadata) -> (user: uid_t, group: gid_t)? {
        metadata.ownership.map {
            options.owners == .byNumber ? ($0.user, $0.group) : OwnerNames.system.numbers(of: $0)
        }
    }

    /// - Returns: whether user and group are now those that the file had.
    private func restoreOwner(
        of metadata: FileMetadata, _ descriptor: Int32, _ warnings: inout [RestoreWarning]
    ) -> (user: Bool, group: Bool) {
        var status = stat()
        guard let wanted = owner(of: metadata), fstat(descriptor, &status) == 0 else {
            return (false, false)
        }
        if (status.st_uid, status.st_gid) == wanted { return (true, true) }
        if options.owners == .kept {
            warnings.append(.ownerKept)
        } else {
            let refusal = setOwner(descriptor, wanted.user, wanted.group)
            if refusal != 0 {
                warnings.append(.owner(refusal))
                // Whoever may not give files away may still choose among his groups.
                _ = setOwner(descriptor, uid_t.max, wanted.group)
            }
            guard fstat(descriptor, &status) == 0 else { return (false, false) }
        }
        return (status.st_uid == wanted.user, status.st_gid == wanted.group)
    }

    private func restoreMode(
        of metadata: FileMetadata, _ descriptor: Int32, as owner: (user: Bool, group: Bool),
        _ warnings: inout [RestoreWarning]
    ) {
        guard metadata.mode != nil || metadata.kind == .file else { return }
        var mode = metadata.mode.map(mode_t.init) ?? Self.modeOfNewFiles
        // Beside an access list the group's bits of a mode are the list's mask: without the list
        // they would be the group's own rights.
        if let list = metadata.extended?.values[AttributeList.accessList] {
            mode = mode & ~0o070 | AttributeList.groupRights(of: list) << 3
        }
        // A program with another owner's rights has to be that owner's.
        let privileges = (owner.user ? 0o4000 : 0) | (owner.group ? 0o2000 : 0) as mode_t
        if mode & 0o6000 & ~privileges != 0 { warnings.append(.privileges) }
        let refusal = setMode(descriptor, mode & (0o1777 | privileges))
        if refusal != 0 { warnings.append(.mode(refusal)) }
    }

    // MARK: Attributes

    private func restoreAttributes(
        _ values: [String: [UInt8]], _ descriptor: Int32, _ warnings: inout [RestoreWarning]
    ) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard options.includesAllAttributes || AttributeList.isUsual(name) else {
                warnings.append(.attributesLeft)
                continue
            }
            let refusal = setAttribute(descriptor, name, value)
            if refusal != 0 { warnings.append(.attributes(refusal)) }
        }
    }

    /// A new file may have got an access list from its folder, which lets others in. A folder may have
    /// been there before.
    private func removeOthers(
        than values: [String: [UInt8]], of kind: EntryKind, _ descriptor: Int32
    ) {
        guard kind == .folder else {
            if values[AttributeList.accessList] == nil {
                AttributeList.remove(AttributeList.accessList, descriptor)
            }
            return
        }
        guard case .found(let names) = AttributeList.names(of: descriptor) else { return }
        for name in names where values[name] == nil && AttributeList.isUsual(name) {
            AttributeList.remove(name, descriptor)
        }
    }

    // MARK: Time

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
