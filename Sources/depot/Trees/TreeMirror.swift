import DepotClient
import DepotCore
import DepotWire
import Synchronization

import struct SystemPackage.FilePath

// Both a folder and a depot list their names in the order of bytes, so what only one of them has
// shows when both are gone through side by side, and neither is in memory.

/// Finds names below a prefix that a folder does not have.
final class TreeMirror: Sendable {
    private struct State {
        var walk: SourceWalk
        /// The first of the folder that was not passed yet.
        var local: UploadSource?
    }

    private let prefix: FileName
    private let patterns: PathPatterns
    private let keepsSpecial: Bool
    private let state: Mutex<State>
    private let problems: Problems

    /// What the walk has told.
    private final class Problems: Sendable {
        /// Why the folder was not read to its end.
        private let first = Mutex<DepotError?>(nil)
        /// Names below which it was not looked, and that were not passed yet.
        private let leftOut = Mutex<[String]>([])

        func take(_ problem: SourceTree.Problem) {
            switch problem {
            case .skipped: break
            case .failed(_, let error): first.withLock { $0 = $0 ?? error }
            case .leftOut(let below): leftOut.withLock { $0.append(below) }
            }
        }

        var error: DepotError? { first.withLock { $0 } }

        /// - Parameter name: behind all that were asked for.
        func isLeftOut(_ name: FileName) -> Bool {
            leftOut.withLock { leftOut in
                let isBelow = { (folder: String) in name.text.utf8.starts(with: folder.utf8) }
                leftOut.removeAll { $0.precedesByBytes(name.text) && !isBelow($0) }
                return leftOut.contains(where: isBelow)
            }
        }
    }

    /// May block.
    ///
    /// - Parameters:
    ///   - patterns: what they leave out of the folder they leave alone in the depot.
    ///   - mayBeEmpty: whether the folder may have nothing in it.
    /// - Throws: `conflict` for a folder without anything in it.
    init(
        _ tree: SourceTree, prefix: FileName, patterns: PathPatterns, mayBeEmpty: Bool
    ) throws(DepotError) {
        let problems = Problems()
        self.problems = problems
        self.prefix = prefix
        self.patterns = patterns
        keepsSpecial = tree.keepsSpecial
        var walk = tree.walk(showsSpecial: true) { problems.take($0) }
        // The first name is that of the folder itself.
        _ = walk.next()
        let local = walk.next()
        state = Mutex(State(walk: walk, local: local))
        guard local != nil || mayBeEmpty else {
            throw DepotError(
                .conflict, "the folder is empty: nothing is deleted unless --force is given",
                object: prefix.text)
        }
    }

    /// Those of a page that the folder has not. May block.
    ///
    /// - Parameter page: behind the pages before.
    /// - Throws: where the folder cannot be read.
    func excess(of page: [FileBody]) throws(DepotError) -> [FileName] {
        try state.withLock { state throws(DepotError) in
            var excess: [FileName] = []
            for file in page {
                while let local = state.local, local.name < file.name {
                    state.local = state.walk.next()
                }
                if !isThere(file, state.local), !isLeftOut(file) { excess.append(file.name) }
            }
            // What could not be read is not gone.
            if let error = problems.error {
                throw DepotError(
                    error.code, "the folder cannot be read to its end, and nothing is deleted",
                    object: prefix.text, cause: error)
            }
            return excess
        }
    }

    /// A pipe that is not deposited stands for one that was, and for nothing else.
    private func isThere(_ file: FileBody, _ local: UploadSource?) -> Bool {
        guard let local, local.name == file.name else { return false }
        return !local.isSpecial || keepsSpecial || file.metadata.kind.special != nil
    }

    private func isLeftOut(_ file: FileBody) -> Bool {
        if problems.isLeftOut(file.name) { return true }
        let below = Substring(file.name.text.utf8.dropFirst(prefix.text.utf8.count + 1))
        // What no folder can have is left alone.
        guard let path = try? PathName(String(below)) else { return true }
        var place = FilePath(of: path)
        var isFolder = file.metadata.kind == .folder
        while !place.isEmpty {
            if patterns.leavesOut(place, isFolder: isFolder) { return true }
            place.removeLastComponent()
            isFolder = true
        }
        return false
    }
}
