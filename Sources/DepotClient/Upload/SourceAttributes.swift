import CLinux
import DepotCore
import Foundation
import Glibc

/// What of an entry is deposited beside its bytes.
struct SourceAttributes: Sendable {
    /// Whether attributes of the system are read, too.
    let includesAll: Bool
    /// Names of one file have the same mark in one deposit.
    let deposit: DepositID

    /// - Parameters:
    ///   - descriptor: of a file or a folder that is open for reading, of which nothing was read yet;
    ///     of a special file that is open as a mere path.
    ///   - isInTree: whether other names of it may be deposited with it.
    func metadata(
        of descriptor: Int32, _ status: stat, isInTree: Bool
    ) -> (FileMetadata, [DepositWarning]) {
        var (metadata, warnings) = plain(status)
        let kind = FileKind(mode: status.st_mode)
        if kind == .folder { metadata.kind = .folder }
        if isInTree, kind == .file, status.st_nlink > 1 { metadata.hardLinks = links(of: status) }
        if kind == .file { metadata.holes = Self.holes(of: descriptor, status) }
        metadata.extended = extended(of: descriptor, &warnings)
        // Without its access list the mask would be the group's rights.
        if !warnings.isEmpty, metadata.extended?.values[AttributeList.accessList] == nil,
            AttributeList.value(of: AttributeList.accessList, descriptor) != nil
        {
            metadata = metadata.withoutGroupRights
        }
        return (metadata, warnings)
    }

    /// Of a symbolic link: Linux gives it no mode and no attributes of users.
    func metadata(ofLinkTo target: LinkTarget, _ status: stat) -> (FileMetadata, [DepositWarning]) {
        var (metadata, warnings) = plain(status)
        metadata.kind = .link(target)
        return (metadata, warnings)
    }

    /// What is deposited of that which is no file: an empty one that says what it is.
    ///
    /// - Returns: `nil` for what has content.
    func metadata(
        ofContentless source: UploadSource
    ) throws(DepotError) -> (FileMetadata, [DepositWarning])? {
        switch source.input {
        case .stream, .place: return nil
        case .folder(let place):
            let (descriptor, status) = try place.openFolder()
            defer { close(descriptor) }
            return metadata(of: descriptor, status, isInTree: true)
        case .link(let place):
            let (target, status) = try place.readLink()
            return metadata(ofLinkTo: target, status)
        case .special(let place):
            let (descriptor, special, status) = try place.openSpecial()
            defer { close(descriptor) }
            var (metadata, warnings) = metadata(of: descriptor, status, isInTree: true)
            metadata.kind = .special(special)
            return (metadata, warnings)
        }
    }

    private func plain(_ status: stat) -> (FileMetadata, [DepositWarning]) {
        let modified = FileTime(status.st_mtim)
        let isLink = FileKind(mode: status.st_mode) == .link
        var metadata = FileMetadata(
            mode: isLink ? nil : UInt16(truncatingIfNeeded: status.st_mode & 0o7777),
            modified: modified)
        metadata.ownership = OwnerNames.system.ownership(of: status)
        return (metadata, modified == nil ? [.time(nanoseconds: status.st_mtim.tv_nsec)] : [])
    }

    private func links(of status: stat) -> HardLinkID {
        var bytes = Array("\(deposit) \(status.st_dev) \(status.st_ino)".utf8)
        bytes = Array(ChunkID(hashing: String(decoding: bytes, as: UTF8.self)).bytes.prefix(16))
        return HardLinkID(
            uuid: bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) })
    }

    private func extended(
        of descriptor: Int32, _ warnings: inout [DepositWarning]
    ) -> ExtendedAttributes? {
        var values: [String: [UInt8]] = [:]
        switch AttributeList.names(of: descriptor) {
        case .refused(let code):
            warnings.append(.attributes(code))
            return nil
        case .unnamed:
            warnings.append(.attributeNames)
            return nil
        case .found(let names):
            for name in names where includesAll || AttributeList.isUsual(name) {
                if let value = AttributeList.value(of: name, descriptor) {
                    values[name] = value
                } else if errno != ENODATA {
                    warnings.append(.attributes(errno))
                }
            }
        }
        guard !values.isEmpty else { return nil }
        let extended = try? ExtendedAttributes(values)
        if extended == nil { warnings.append(.attributesTooLarge) }
        return extended
    }

    /// A file with more holes than a record has room for keeps the longest.
    private static func holes(of descriptor: Int32, _ status: stat) -> Holes? {
        let size = UInt64(clamping: status.st_size)
        guard UInt64(clamping: status.st_blocks) * 512 < size else { return nil }
        defer { lseek(descriptor, 0, SEEK_SET) }
        var found: [Range<UInt64>] = []
        var place: UInt64 = 0
        while place < size {
            let start = lseek(descriptor, off_t(place), Int32(DEPOT_SEEK_HOLE))
            guard start >= 0, let hole = UInt64(exactly: start), hole < size else { break }
            let next = lseek(descriptor, start, Int32(DEPOT_SEEK_DATA))
            // Where there is no data behind it, it goes on to the end.
            let end = next < 0 ? size : min(UInt64(clamping: next), size)
            guard end > hole else { break }
            found.append(hole..<end)
            place = end
            if found.count >= 4 * Holes.countMax { found = longest(of: found) }
        }
        return found.isEmpty ? nil : try? Holes(longest(of: found))
    }

    private static func longest(of holes: [Range<UInt64>]) -> [Range<UInt64>] {
        guard holes.count > Holes.countMax else { return holes }
        return holes.sorted { $0.count > $1.count }.prefix(Holes.countMax)
            .sorted { $0.lowerBound < $1.lowerBound }
    }
}

/// What of a file is not deposited though its bytes are.
public enum DepositWarning: Sendable, Hashable {
    /// They are no part of a second.
    case time(nanoseconds: Int)
    /// Why they cannot be read.
    case attributes(Int32)
    case attributeNames
    case attributesTooLarge
}

extension DepositWarning: CustomStringConvertible {
    public var description: String {
        switch self {
        case .time(let nanoseconds):
            "its modification time is left out: \(nanoseconds) nanoseconds are no part of a second"
        case .attributes(let code):
            "its extended attributes are left out, because they cannot be read: "
                + String(cString: strerror(code))
        case .attributeNames:
            "its extended attributes are left out: the name of one is not UTF-8"
        case .attributesTooLarge:
            "its extended attributes are left out: a file may have \(ExtendedAttributes.countMax) "
                + "of them, and \(ExtendedAttributes.sizeMax >> 10) KiB in all"
        }
    }
}
