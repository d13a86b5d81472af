import CLinux
import DepotCore
import Glibc

/// What an entry of a folder is.
public enum FileKind: Sendable, Hashable {
    case file, folder, link, pipe, device, socket
    /// Not every file system says what an entry is.
    case unknown

    /// - Parameter mode: `st_mode`.
    init(mode: mode_t) { self.init(entry: UInt8(truncatingIfNeeded: (mode & S_IFMT) >> 12)) }

    /// - Parameter entry: `d_type`.
    init(entry: UInt8) {
        self =
            switch Int(entry) {
            case DT_REG: .file
            case DT_DIR: .folder
            case DT_LNK: .link
            case DT_FIFO: .pipe
            case DT_CHR, DT_BLK: .device
            case DT_SOCK: .socket
            default: .unknown
            }
    }

    /// With its article.
    public var description: String {
        switch self {
        case .file: "a file"
        case .folder: "a folder"
        case .link: "a symbolic link"
        case .pipe: "a pipe"
        case .device: "a device"
        case .socket: "a socket"
        case .unknown: "neither a file nor a folder"
        }
    }
}

extension FileKind: CustomStringConvertible {}

extension SpecialFile {
    /// `nil` for what is none, and for a device with a number that Linux does not have.
    init?(_ status: stat) {
        let number = DeviceNumber(
            major: depot_major(status.st_rdev), minor: depot_minor(status.st_rdev))
        switch (status.st_mode & S_IFMT, number) {
        case (S_IFIFO, _): self = .fifo
        case (S_IFSOCK, _): self = .socket
        case (S_IFBLK, let number?): self = .block(number)
        case (S_IFCHR, let number?): self = .character(number)
        default: return nil
        }
    }

    /// As `mknod(2)` takes it.
    var node: (kind: mode_t, device: dev_t) {
        switch self {
        case .fifo: (S_IFIFO, 0)
        case .socket: (S_IFSOCK, 0)
        case .block(let number): (S_IFBLK, depot_device(number.major, number.minor))
        case .character(let number): (S_IFCHR, depot_device(number.major, number.minor))
        }
    }
}
