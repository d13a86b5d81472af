import DepotClient
import DepotCore

import struct SystemPackage.FilePath

/// Goes through the folders of a tree, depth first and in order of names.
struct SourceWalk: IteratorProtocol, Sendable {
    private struct Entry: Sendable {
        enum Step: Sendable {
            case file, link, special
            /// What the folder is like; what is in it comes later, in the order of names.
            case folder
            case content
            /// What a link leads to.
            case target(LinkedEntry)
        }

        let name: FilePath.Component
        let step: Step
        /// What its name, or the names of what is in it, end or begin with. The order of these in a
        /// folder is the order of whole names.
        let key: String

        init(_ name: FilePath.Component, text: String, _ step: Step) {
            (self.name, self.step) = (name, step)
            key = if case .content = step { "\(text)/" } else { text }
        }
    }

    private struct Level: Sendable {
        /// In which the path is.
        let root: OpenFolder
        let path: FilePath
        /// What the names of its files begin with.
        let name: String
        /// What patterns are compared with; another path than its own below a link that was
        /// followed.
        let place: FilePath
        var identity: OpenFolder.Identity?
        /// What is still to come of it, last first.
        var entries: [Entry] = []
    }

    private let root: OpenFolder
    private let prefix: FileName?
    private let selection: TreeSelection
    private var hasBegun = false
    /// What was listed and is still to come, last first.
    private var listed: [FilePath]
    private var levels: [Level] = []
    private let onProblem: @Sendable (SourceTree.Problem) -> Void

    /// - Parameter prefix: the name of the root, with which all names begin; `nil` where it has
    ///   none.
    init(
        _ root: OpenFolder, prefix: FileName?, selecting selection: TreeSelection,
        _ onProblem: @escaping @Sendable (SourceTree.Problem) -> Void
    ) {
        self.root = root
        self.prefix = prefix
        self.selection = selection
        self.onProblem = onProblem
        listed = selection.listed?.reversed() ?? []
    }

    private var rootName: String { prefix.map { "\($0)/" } ?? "" }

    mutating func next() -> UploadSource? {
        if !hasBegun {
            hasBegun = true
            if selection.listed == nil {
                enter(Level(root: root, path: "", name: rootName, place: ""))
                if let prefix { return UploadSource(name: prefix, origin: .folder(root, path: "")) }
            }
        }
        while true {
            guard let top = levels.indices.last else {
                guard let path = listed.popLast() else { return nil }
                begin(with: path)
                continue
            }
            guard let entry = levels[top].entries.popLast() else {
                levels.removeLast()
                continue
            }
            if let source = source(of: entry, in: levels[top]) { return source }
        }
    }

    /// - Returns: `nil` for what was gone into, or has no name.
    private mutating func source(of entry: Entry, in level: Level) -> UploadSource? {
        let path = level.path.appending(entry.name)
        let name = level.name + entry.key
        let origin: UploadSource.Origin
        switch entry.step {
        case .file: origin = .entry(level.root, path: path)
        case .link: origin = .link(level.root, path: path)
        case .special: origin = .special(level.root, path: path)
        case .folder: origin = .folder(level.root, path: path)
        case .content:
            enter(
                Level(
                    root: level.root, path: path, name: name,
                    place: level.place.appending(entry.name)))
            return nil
        case .target(let target):
            guard let folder = target.folder else {
                origin = .file(path: target.path)
                break
            }
            enter(
                Level(
                    root: folder, path: "", name: "\(name)/",
                    place: level.place.appending(entry.name)))
            origin = .folder(folder, path: "")
        }
        do throws(DepotError) {
            return UploadSource(name: try FileName(path: name), origin: origin)
        } catch {
            onProblem(.failed(name: name, error))
            return nil
        }
    }

    /// Something that was listed: by itself, and a folder with all that is in it.
    private mutating func begin(with path: FilePath) {
        guard let name = path.lastComponent else {
            return enter(Level(root: root, path: "", name: rootName, place: ""))
        }
        let folder = path.removingLastComponent()
        var level = Level(
            root: root, path: folder,
            name: rootName + (folder.isEmpty ? "" : "\(folder.name)/"), place: folder)
        guard let kind = root.kind(of: path) else {
            return onProblem(
                .failed(
                    name: level.name + FilePath(name).name,
                    DepotError(.notFound, "it is not there", object: root.shown(path))))
        }
        add(OpenFolder.Entry(name: name, kind: kind), to: &level)
        level.entries.sort { $1.key.precedesByBytes($0.key) }
        levels.append(level)
    }

    private mutating func enter(_ level: Level) {
        var level = level
        if selection.followsLinks {
            level.identity = level.root.identity(of: level.path)
            if levels.contains(where: { $0.identity == level.identity && level.identity != nil }) {
                return skip(level.root.shown(level.path), "a link to a folder around it")
            }
        }
        do throws(DepotError) {
            var tag: OpenFolder.Entry?
            try level.root.forEachEntry(below: level.path) { entry in
                if selection.excludesCaches, entry.name.string == CacheTag.name { tag = entry }
                add(entry, to: &level)
            }
            if let tag, CacheTag.isValid(in: level.root, level.path) {
                level.entries = []
                add(tag, to: &level)
                onProblem(.leftOut(below: level.name))
            }
        } catch {
            onProblem(.failed(name: level.root.shown(level.path), error))
        }
        level.entries.sort { $1.key.precedesByBytes($0.key) }
        levels.append(level)
    }

    private func add(_ entry: OpenFolder.Entry, to level: inout Level) {
        let place = level.place.appending(entry.name)
        guard !selection.patterns.leavesOut(place, isFolder: entry.kind == .folder) else { return }
        let text = FilePath(entry.name).name
        func add(_ step: Entry.Step) {
            level.entries.append(Entry(entry.name, text: text, step))
        }
        let path = level.path.appending(entry.name)
        switch entry.kind {
        case .folder:
            add(.folder)
            if !selection.staysOnFileSystem || level.root.device(of: path) == root.device(of: "") {
                add(.content)
            } else {
                onProblem(.leftOut(below: "\(level.name)\(text)/"))
            }
        case .file: add(.file)
        case .link:
            guard selection.followsLinks else { return add(.link) }
            do throws(DepotError) {
                add(.target(try LinkedEntry(level.root.shown(path))))
            } catch {
                onProblem(.failed(name: level.name + text, error))
            }
        case .pipe, .device, .socket:
            guard !selection.keepsSpecial else { return add(.special) }
            skip(level.root.shown(path), entry.kind.description)
        case .unknown: skip(level.root.shown(path), entry.kind.description)
        }
    }

    private func skip(_ path: String, _ why: String) {
        onProblem(.skipped(.init(path: path, why: why)))
    }
}

/// What a symbolic link leads to, where links are followed.
private struct LinkedEntry: Sendable {
    let path: String
    /// `nil` for a file.
    let folder: OpenFolder?

    init(_ path: String) throws(DepotError) {
        self.path = path
        let status = try FileStatus(following: path)
        guard status.isFolder || status.isFile else {
            throw DepotError(
                .invalidArgument, "it leads to neither a file nor a folder", object: path)
        }
        folder = status.isFolder ? try OpenFolder(named: path) : nil
    }
}

/// What marks a folder of a cache, see bford.info/cachedir.
private enum CacheTag {
    static let name = "CACHEDIR.TAG"
    private static let signature = Array("Signature: 8a477f597d28d172789f06886806bc55".utf8)

    static func isValid(in root: OpenFolder, _ folder: FilePath) -> Bool {
        root.beginning(of: folder.appending(name), count: signature.count) == signature
    }
}
