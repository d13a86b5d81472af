import DepotClient
import DepotCore

/// Goes through the folders of a tree, depth first.
struct SourceWalk: IteratorProtocol {
    private struct Entry {
        let name: String
        let isFolder: Bool
        /// The order of these in a folder is the order of whole names.
        var key: String { isFolder ? "\(name)/" : name }
    }

    private struct Level {
        /// Below the root; empty for the root itself.
        let path: String
        /// What the names of its files begin with.
        let name: String
        /// What is still to come of it, last first.
        var entries: [Entry] = []

        func path(of name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }
    }

    private let root: OpenFolder
    private var start: Level?
    private var levels: [Level] = []
    private let onProblem: @Sendable (SourceTree.Problem) -> Void

    /// - Parameter name: what all names begin with.
    init(
        _ root: OpenFolder, name: String,
        _ onProblem: @escaping @Sendable (SourceTree.Problem) -> Void
    ) {
        self.onProblem = onProblem
        self.root = root
        start = Level(path: "", name: name)
    }

    mutating func next() -> UploadSource? {
        if let start = start.take() { enter(start) }
        while let top = levels.indices.last {
            guard let entry = levels[top].entries.popLast() else {
                levels.removeLast()
                continue
            }
            let path = levels[top].path(of: entry.name)
            let name = levels[top].name + entry.key
            if entry.isFolder {
                enter(Level(path: path, name: name))
                continue
            }
            do throws(DepotError) {
                return UploadSource(name: try FileName(name), origin: .entry(root, path: path))
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
            onProblem(.failed(name: root.shown(level.path), error))
        }
        level.entries.sort { $1.key.utf8.lexicographicallyPrecedes($0.key.utf8) }
        levels.append(level)
    }

    private func read(_ level: inout Level) throws(DepotError) {
        var isEmpty = true
        try root.forEachEntry(below: level.path) { entry in
            isEmpty = false
            add(entry, to: &level)
        }
        // Names of files carry their folders: those without any leave no trace.
        if isEmpty { skip(level.path, "an empty folder") }
    }

    private func add(_ entry: OpenFolder.Entry, to level: inout Level) {
        guard let name = String(validating: entry.name, as: UTF8.self) else {
            let shown = root.shown(level.path(of: String(marking: entry.name)))
            let error = DepotError(
                .invalidArgument, "its name is not UTF-8; rename it", object: shown)
            return onProblem(.failed(name: shown, error))
        }
        switch entry.kind {
        case .folder: level.entries.append(Entry(name: name, isFolder: true))
        case .file: level.entries.append(Entry(name: name, isFolder: false))
        case .link, .pipe, .device, .socket, .unknown:
            skip(level.path(of: name), entry.kind.description)
        }
    }

    private func skip(_ path: String, _ why: String) {
        onProblem(.skipped(.init(path: root.shown(path), why: why)))
    }
}
