import DepotClient
import DepotCore

/// The files below a folder, in order of name, each found when it is asked for: of a tree with any
/// number of files only the names in the folders on the way to the one at hand are in memory.
struct SourceTree: Sequence, Sendable {
    struct Skipped: Codable, Sendable {
        let path: String
        let why: String
    }

    /// What is not deposited; the rest is.
    enum Problem: Sendable {
        case skipped(Skipped)
        case failed(name: String, DepotError)
        /// What is below this name, which ends in a slash, is left out on purpose.
        case leftOut(below: String)
    }

    private let root: OpenFolder
    /// The folder's own name, where it has one.
    private let prefix: FileName?
    private let selection: TreeSelection
    private let onProblem: @Sendable (Problem) -> Void

    /// - Parameter prefix: names are behind `prefix/`.
    init(
        _ root: String, prefix: FileName?, selecting selection: TreeSelection,
        onProblem: @escaping @Sendable (Problem) -> Void
    ) throws(DepotError) {
        guard try FileStatus(following: root).isFolder else {
            throw DepotError(
                .invalidArgument, "it is no folder; deposit it without -r", object: root)
        }
        self.prefix = prefix
        self.root = try OpenFolder(named: root)
        self.selection = selection
        self.onProblem = onProblem
    }

    func makeIterator() -> SourceWalk { walk(onProblem) }

    /// Whether pipes, sockets and devices are deposited.
    var keepsSpecial: Bool { selection.keepsSpecial }

    /// Goes through it once more.
    ///
    /// - Parameter showsSpecial: whether pipes, sockets and devices are handed over in any case.
    func walk(
        showsSpecial: Bool = false, _ onProblem: @escaping @Sendable (Problem) -> Void
    ) -> SourceWalk {
        var selection = selection
        selection.keepsSpecial = showsSpecial || selection.keepsSpecial
        return SourceWalk(root, prefix: prefix, selecting: selection, onProblem)
    }

    /// Bytes of all files together, as far as they can be told now. Walks through all of it.
    var size: UInt64 {
        var (walk, size) = (walk { _ in }, UInt64(0))
        while let source = walk.next() { size.increase(by: source.size) }
        return size
    }
}

extension UploadSource {
    var isSpecial: Bool { if case .special = origin { true } else { false } }
    var isFolder: Bool { if case .folder = origin { true } else { false } }

    /// Of a file, as far as it can be told now.
    var size: UInt64 {
        guard case .entry(let folder, let path) = origin else { return 0 }
        return folder.size(of: path)
    }
}
