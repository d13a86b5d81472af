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
