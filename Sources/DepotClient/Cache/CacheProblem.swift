/// Why a cache is of no use, or not of full use. It is no error: what it would have told is read.
public struct CacheProblem: Error, Sendable, Hashable {
    enum Reason: Sendable, Hashable {
        /// Neither `XDG_CACHE_HOME` nor `HOME` says where.
        case noFolder
        /// The FileServer is older than caches are, and does not say which cluster it is of.
        case noCluster
        case inUse
        case damaged
        /// Something else than a cache, or one of a newer depot.
        case foreign
        /// Others may write into its folder.
        case open
        case full
        case failed(String)
    }

    let reason: Reason
    let path: String?

    init(_ reason: Reason, _ path: String?) { (self.reason, self.path) = (reason, path) }
}

extension CacheProblem: CustomStringConvertible {
    public var description: String {
        let why =
            switch reason {
            case .noFolder: "is not used: set XDG_CACHE_HOME or HOME"
            case .noCluster: "is not used: the FileServer is older than this client"
            case .inUse: "is not used: another deposit of the same folder uses it"
            case .damaged: "was damaged, and is made anew"
            case .foreign: "is not used: it is none, or one of a newer depot"
            case .open: "is not used: its folder is another user's, or others may write into it"
            case .full: "is full: files beyond it are read each time"
            case .failed(let message): "is not used: \(message)"
            }
        return "the cache \(why)" + (path.map { ": \($0)" } ?? "")
    }
}
