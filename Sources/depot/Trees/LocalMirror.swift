import DepotClient
import DepotCore
import DepotWire
import Synchronization

import struct SystemPackage.FilePath

/// Finds what is in a folder and not in the depot, by going through both side by side: see
/// `TreeMirror`, which looks the other way.
final class LocalMirror: Sendable {
    private struct State {
        var walk: SourceWalk
        /// The first of the folder that was not passed yet.
        var local: UploadSource?
        /// Names of the depot that no path is spelled as: their paths are spelled otherwise.
        var respelled: Set<FileName> = []
    }

    private let folder: OpenFolder
    private let prefix: FileName
    private let state: Mutex<State>

    /// May block.
    ///
    /// - Parameter prefix: the name that the folder has in the depot.
    init(_ folder: String, prefix: FileName) throws(DepotError) {
        self.folder = try OpenFolder(named: folder)
        self.prefix = prefix
        let all = TreeSelection(patterns: try PathPatterns([]))
        // What cannot be named is not the depot's, and is left alone.
        var walk = SourceWalk(self.folder, prefix: prefix, selecting: all) { _ in }
        _ = walk.next()
        let local = walk.next()
        state = Mutex(State(walk: walk, local: local))
    }

    /// What comes before the end of a page and is not in it. May block.
    ///
    /// - Parameter page: behind the pages before; `nil` behind the last.
    func excess(before page: [FileBody]?) -> [UploadSource] {
        state.withLock { state in
            var rest = (page ?? [])[...]
            for file in rest {
                guard let path = try? PathName(file.name.text) else { continue }
                let name = FilePath(of: path).name
                if name != file.name.text, let respelled = try? FileName(name) {
                    state.respelled.insert(respelled)
                }
            }
            var excess: [UploadSource] = []
            while let source = state.local {
                while let file = rest.first, file.name < source.name { rest.removeFirst() }
                if page != nil, rest.isEmpty { break }
                if rest.first?.name != source.name, !state.respelled.contains(source.name) {
                    excess.append(source)
                }
                state.local = state.walk.next()
            }
            return excess
        }
    }

    /// Takes away files and links, and folders that are empty then. May block.
    ///
    /// - Parameter sources: a folder before what is in it.
    /// - Returns: how many went.
    func remove(_ sources: [UploadSource]) throws(DepotError) -> Int {
        var count = 0
        for source in sources.reversed() where try remove(source) { count += 1 }
        return count
    }

    private func remove(_ source: UploadSource) throws(DepotError) -> Bool {
        switch source.origin {
        case .entry(let folder, let path), .link(let folder, let path):
            return try folder.remove(path)
        case .folder(let folder, let path): return try folder.removeEmptyFolder(path)
        // Nobody asked for what else is there.
        case .special, .file, .stream: return false
        }
    }
}
