import DepotClient
import DepotCore
import Glibc

/// The files below a folder, in order of name, each found when it is asked for: of a tree with any number of files only
/// the names in the folders on the way to the one at hand are in memory.
struct SourceTree: Sequence, Sendable {
    struct Skipped: Codable, Sendable {
        let path: String
        let why: String
    }

    /// What is not deposited; the rest is.
    enum Problem: Sendable {
        case skipped(Skipped)
        case failed(name: String, DepotError)
    }

    private let root: String
    private let prefix: String
    private let onProblem: @Sendable (Problem) -> Void

    /// - Parameter prefix: names are behind `prefix/`.
    init(
        _ root: String, prefix: String?, onProblem: @escaping @Sendable (Problem) -> Void
    ) throws(DepotError) {
        guard try FileStatus(following: root).isFolder else {
            throw DepotError(
                .invalidArgument, "it is no folder; deposit it without -r", object: root)
        }
        if let prefix { _ = try FileName(prefix) }
        self.root = root
        self.prefix = prefix.map { "\($0)/" } ?? ""
        self.onProblem = onProblem
    }

    func makeIterator() -> SourceWalk { SourceWalk(root, name: prefix, onProblem) }

    /// Bytes of all files together, as far as they can be told now. Walks through all of it.
    var size: UInt64 {
        var (walk, size) = (SourceWalk(root, name: prefix) { _ in }, UInt64(0))
        while let source = walk.next() {
            guard case .file(let path) = source.origin else { continue }
            size += (try? FileStatus(path).size) ?? 0
        }
        return size
    }
}

/// Goes through the folders of a tree, depth first.
struct SourceWalk: IteratorProtocol {
    private struct Entry {
        let name: String
        let isFolder: Bool
        /// The order of these in a folder is the order of whole names.
        var key: String { isFolder ? "\(name)/" : name }
    }

    private struct Level {
        let path: String
        /// What the names of its files begin with.
        let name: String
        /// What is still to come of it, last first.
        var entries: [Entry] = []
    }

    private var root: Level?
    private var levels: [Level] = []
    private let onProblem: @Sendable (SourceTree.Problem) -> Void

    /// - Parameter name: what all names begin with.
    init(
        _ root: String, name: String, _ onProblem: @escaping @Sendable (SourceTree.Problem) -> Void
    ) {
        self.onProblem = onProblem
        self.root = Level(path: root, name: name)
    }

    mutating func next() -> UploadSource? {
        if let root = root.take() { enter(root) }
        while let top = levels.indices.last {
            guard let entry = levels[top].entries.popLast() else {
                levels.removeLast()
                continue
            }
            let path = "\(levels[top].path)/\(entry.name)"
            let name = levels[top].name + entry.key
            if entry.isFolder {
                enter(Level(path: path, name: name))
                continue
            }
            do throws(DepotError) {
                return UploadSource(name: try FileName(name), origin: .file(path: path))
            } catch {
                onProblem(.failed(name: name, error))
            }
        }
        return nil
    }

    private mutating func enter(_ level: Level) {
        var level = level
        do throws(DepotError) {
            try read(&level)
        } catch {
            onProblem(.failed(name: level.path, error))
        }
        level.entries.sort { $1.key.utf8.lexicographicallyPrecedes($0.key.utf8) }
        levels.append(level)
    }

    private func read(_ level: inout Level) throws(DepotError) {
        guard let folder = opendir(level.path) else { throw .file("cannot be read", level.path) }
        defer { closedir(folder) }
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                let shown = "\(level.path)/\(String(decoding: bytes, as: UTF8.self))"
                let error = DepotError(
                    .invalidArgument, "its name is not UTF-8; rename it", object: shown)
                onProblem(.failed(name: shown, error))
                continue
            }
            if name == "." || name == ".." { continue }
            add(name, kind: Int(entry.pointee.d_type), to: &level)
        }
        // What was found before is deposited.
        guard errno == 0 else { throw .file("cannot be read to its end", level.path) }
    }

    private func add(_ name: String, kind: Int, to level: inout Level) {
        let path = "\(level.path)/\(name)"
        var kind = kind
        // Not every file system says what an entry is.
        if kind == DT_UNKNOWN {
            do throws(DepotError) {
                kind = try FileStatus(path).kind
            } catch {
                return onProblem(.failed(name: level.name + name, error))
            }
        }
        switch kind {
        case DT_DIR: level.entries.append(Entry(name: name, isFolder: true))
        case DT_REG: level.entries.append(Entry(name: name, isFolder: false))
        case DT_LNK: onProblem(.skipped(.init(path: path, why: "a symbolic link")))
        default: onProblem(.skipped(.init(path: path, why: "neither a file nor a folder")))
        }
    }
}
