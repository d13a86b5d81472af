import FoundationEssentials
import Synchronization

@testable import DepotStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes changes for real, and notes them together with the index as it was after each.
final class FolderRecorder: Sendable {
    struct Entry: Sendable {
        let change: FolderChange
        let index: IndexCopy
    }

    /// The index's files by what follows their name.
    typealias IndexCopy = [String: Data]

    private let root: String
    private let store: String
    private let entries = Mutex<[Entry]>([])

    /// - Parameters:
    ///   - root: an absolute path; what is beneath it is recorded.
    ///   - store: the replica's folder in it, whose index is copied.
    init(root: String, store: String) {
        self.root = Self.resolved(root)
        self.store = store
    }

    var log: [Entry] { entries.withLock { $0 } }
    var count: Int { entries.withLock { $0.count } }

    var operations: FileOperations {
        FileOperations { operation in
            self.entries.withLock { entries in
                // A path is asked for before the operation, which may be what ends it.
                let change = self.change(operation)
                let (result, code) = FileOperations.system.perform(operation)
                if result >= 0, let change {
                    entries.append(Entry(change: change, index: self.copyIndex()))
                }
                return (result, code)
            }
        }
    }

    private func change(_ operation: FileOperation) -> FolderChange? {
        switch operation {
        case .create(let path, _, let replacing): .create(relative(path), replacing: replacing)
        case .write(let descriptor, let parts, let offset):
            .write(
                relative(descriptor),
                parts.flatMap { UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len) },
                offset: Int(offset))
        case .sync(let descriptor): .sync(relative(descriptor))
        case .truncate(let descriptor, let size): .truncate(relative(descriptor), Int(size))
        case .allocate: nil
        case .rename(let from, let to): .rename(from: relative(from), to: relative(to))
        case .unlink(let path): .unlink(relative(path))
        case .makeFolder(let path): .makeFolder(relative(path))
        case .syncFolder(let path): .syncFolder(relative(path))
        }
    }

    private func relative(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes {
            readlink("/proc/self/fd/\(descriptor)", $0.baseAddress!, $0.count)
        }
        return relative(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self))
    }

    private func relative(_ path: String) -> String {
        let last = path.split(separator: "/").last ?? ""
        let full =
            last == ".."
            ? Self.resolved(path)
            : Self.resolved(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])) + "/"
                + last
        return String(full.dropFirst(root.count).drop { $0 == "/" })
    }

    private static func resolved(_ path: String) -> String {
        guard let found = realpath(path, nil) else { return path }
        defer { free(found) }
        return String(cString: found)
    }

    private func copyIndex() -> IndexCopy {
        var copy: IndexCopy = [:]
        for suffix in ["", "-wal"] {
            copy[suffix] = FileManager.default.contents(atPath: "\(store)/index.sqlite\(suffix)")
        }
        return copy
    }
}
