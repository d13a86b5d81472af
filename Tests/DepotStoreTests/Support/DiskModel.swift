import DepotTestSupport
import FoundationEssentials

/// A change of a folder as it was made, with its data; paths are relative to the folder that is recorded.
enum FolderChange: Sendable {
    case create(String, replacing: Bool)
    case write(String, [UInt8], offset: Int)
    case truncate(String, Int)
    case sync(String)
    case rename(from: String, to: String)
    case unlink(String)
    case makeFolder(String)
    case syncFolder(String)
}

/// What of the changes that no sync has covered a power cut takes.
enum PowerCut: Sendable {
    case takesAll
    case takesNothing
    /// Any part of them, writes torn in themselves.
    case takesSome(seed: UInt64)
}

/// What the disk has for certain, and what it may have beside that.
///
/// A sync of a file covers its bytes and its size, a sync of a folder the names in it: no more is promised by POSIX.
struct DiskModel: Sendable {
    private enum Edit: Sendable {
        case write([UInt8], Int)
        case truncate(Int)
    }

    private struct File: Sendable {
        var durable: [UInt8] = []
        var edits: [Edit] = []
    }

    private struct Folder: Sendable {
        var durable: [String: Int] = [:]
        /// `nil`: the name goes.
        var edits: [(name: String, node: Int?)] = []

        var names: [String: Int] {
            edits.reduce(into: durable) { $0[$1.name] = $1.node }
        }
    }

    private enum Node: Sendable {
        case file(File)
        case folder(Folder)
    }

    private var nodes: [Node] = [.folder(Folder())]

    /// An empty folder.
    init() {}

    /// A folder as it is, all of it durable; without the index, which no promise is made about.
    init(contentsOf path: String) throws {
        let content = try Self.content(of: path)
        nodes = []
        _ = try load(path, content)
    }

    private static func content(of path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path)
            .filter { !$0.hasPrefix("index.sqlite") }.sorted()
    }

    private mutating func load(_ path: String, _ names: [String]) throws -> Int {
        let number = nodes.count
        nodes.append(.folder(Folder()))
        var folder = Folder()
        for name in names {
            var isFolder = false
            _ = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
            if isFolder {
                folder.durable[name] = try load(
                    "\(path)/\(name)", try Self.content(of: "\(path)/\(name)"))
            } else {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
                folder.durable[name] = nodes.count
                nodes.append(.file(File(durable: Array(bytes))))
            }
        }
        nodes[number] = .folder(folder)
        return number
    }

    // MARK: Changes

    mutating func make(_ change: FolderChange) {
        switch change {
        case .create(let path, let replacing):
            if replacing, node(path) != nil {
                edit(path) { $0.edits.append(.truncate(0)) }
            } else {
                nodes.append(.file(File()))
                name(path, nodes.count - 1)
            }
        case .write(let path, let bytes, let offset):
            edit(path) { $0.edits.append(.write(bytes, offset)) }
        case .truncate(let path, let size): edit(path) { $0.edits.append(.truncate(size)) }
        case .sync(let path):
            edit(path) { file in
                for edit in file.edits { Self.apply(edit, to: &file.durable) }
                file.edits = []
            }
        case .rename(let from, let to):
            let moved = node(from)
            name(from, nil)
            name(to, moved)
        case .unlink(let path): name(path, nil)
        case .makeFolder(let path):
            nodes.append(.folder(Folder()))
            name(path, nodes.count - 1)
        case .syncFolder(let path):
            guard let number = node(path), case .folder(var folder) = nodes[number] else { return }
            folder.durable = folder.names
            folder.edits = []
            nodes[number] = .folder(folder)
        }
    }

    private func node(_ path: String) -> Int? {
        path.split(separator: "/").reduce(0) { parent, name in
            guard let parent, case .folder(let folder) = nodes[parent] else { return nil }
            return folder.names[String(name)]
        }
    }

    private mutating func name(_ path: String, _ node: Int?) {
        var parts = path.split(separator: "/")
        let last = String(parts.removeLast())
        guard let parent = self.node(parts.joined(separator: "/")),
            case .folder(var folder) = nodes[parent]
        else { return }
        folder.edits.append((last, node))
        nodes[parent] = .folder(folder)
    }

    private mutating func edit(_ path: String, _ body: (inout File) -> Void) {
        guard let number = node(path), case .file(var file) = nodes[number] else { return }
        body(&file)
        nodes[number] = .file(file)
    }

    private static func apply(_ edit: Edit, to content: inout [UInt8]) {
        switch edit {
        case .write(let bytes, let offset):
            let missing = offset + bytes.count - content.count
            if missing > 0 { content += [UInt8](repeating: 0, count: missing) }
            content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .truncate(let size):
            let missing = size - content.count
            if missing > 0 { content += [UInt8](repeating: 0, count: missing) }
            content.removeLast(content.count - size)
        }
    }

    // MARK: Images

    /// Writes what is left after a power cut.
    func write(to path: String, after cut: PowerCut) throws {
        var generator: SeededGenerator? =
            if case .takesSome(let seed) = cut { SeededGenerator(seed: seed) } else { nil }
        let takesAll = if case .takesAll = cut { true } else { false }
        try write(0, to: path, takesAll, &generator)
    }

    private func write(
        _ number: Int, to path: String, _ takesAll: Bool, _ generator: inout SeededGenerator?
    ) throws {
        switch nodes[number] {
        case .file(let file):
            var content = file.durable
            for edit in file.edits where !takesAll {
                if generator == nil {
                    Self.apply(edit, to: &content)
                } else if let left = Self.left(of: edit, &generator!) {
                    Self.apply(left, to: &content)
                }
            }
            try Data(content).write(to: URL(fileURLWithPath: path))
        case .folder(let folder):
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            var names = folder.durable
            for edit in folder.edits where !takesAll {
                if generator?.next().isMultiple(of: 2) ?? true { names[edit.name] = edit.node }
            }
            for (name, node) in names.sorted(by: { $0.key < $1.key }) {
                try write(node, to: "\(path)/\(name)", takesAll, &generator)
            }
        }
    }

    /// A part of an edit, as a disk may have done it.
    private static func left(of edit: Edit, _ generator: inout SeededGenerator) -> Edit? {
        let choice = generator.next() % 6
        guard case .write(let bytes, let offset) = edit, !bytes.isEmpty else {
            return choice.isMultiple(of: 2) ? edit : nil
        }
        switch choice {
        case 0: return nil
        case 1: return .write(Array(bytes.prefix(Int(generator.next() % 64) * 512)), offset)
        case 2:
            return .write(
                Array(bytes.prefix(Int(generator.next() % UInt64(bytes.count)))), offset)
        case 3: return .write([UInt8](repeating: 0, count: bytes.count), offset)
        default: return edit
        }
    }
}
