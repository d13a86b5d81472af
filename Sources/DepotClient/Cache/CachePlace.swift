import DepotCore
import Glibc

/// Where the cache of a tree is.
public struct CachePlace: Sendable {
    /// Of all caches of the user.
    private let folder: String
    /// What it is of.
    private let tree: String

    /// - Parameters:
    ///   - folder: of all caches of the user; is made where it is missing.
    ///   - root: of the tree.
    ///   - prefix: what its names begin with.
    public init(folder: String, root: String, prefix: FileName?) {
        self.folder = folder
        let absolute = realpath(root, nil)
        defer { free(absolute) }
        let path = absolute.map { String(cString: $0) } ?? root
        tree = "\(path)\0\(prefix?.text ?? "")"
    }

    /// Another cluster, another folder, other names and other chunks have another cache.
    ///
    /// - Throws: where the folder cannot be had, or others may write into it.
    func path(
        in cluster: ClusterID, _ chunks: ChunkerParameters
    ) throws(CacheProblem) -> String {
        try makeFolder()
        let sizes = "\(chunks.sizeMin) \(chunks.sizeAverage) \(chunks.sizeMax)"
        let hash = ChunkID(hashing: "\(tree)\0\(sizes)").hex.prefix(32)
        return "\(folder)/\(cluster)-\(hash).sqlite"
    }

    private func makeFolder() throws(CacheProblem) {
        var cause: Int32 = 0
        var end = folder.utf8.startIndex
        while end < folder.utf8.endIndex {
            let next = folder.utf8.index(after: end)
            end = folder.utf8[next...].firstIndex(of: UInt8(ascii: "/")) ?? folder.utf8.endIndex
            // What is missing shows below, and why in what could not be made first.
            if mkdir(String(folder[..<end]), 0o700) != 0, errno != EEXIST, cause == 0 {
                cause = errno
            }
        }
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw CacheProblem(
                .failed(String(cString: strerror(cause != 0 ? cause : errno))), folder)
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw CacheProblem(.open, folder)
        }
    }
}
