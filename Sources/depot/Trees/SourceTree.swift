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
    }

    private let root: OpenFolder
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
        self.root = try OpenFolder(named: root)
        self.prefix = prefix.map { "\($0)/" } ?? ""
        self.onProblem = onProblem
    }

    func makeIterator() -> SourceWalk { SourceWalk(root, name: prefix, onProblem) }

    /// Bytes of all files together, as far as they can be told now. Walks through all of it.
    var size: UInt64 {
        var (walk, size) = (SourceWalk(root, name: prefix) { _ in }, UInt64(0))
        while let source = walk.next() {
            guard case .entry(let folder, let path) = source.origin else { continue }
            size.increase(by: folder.size(of: path))
        }
        return size
    }
}
