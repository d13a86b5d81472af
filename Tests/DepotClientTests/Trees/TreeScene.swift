import CLinux
import DepotCore
import DepotWire
import Foundation
import Testing

import struct SystemPackage.FilePath

@testable import DepotClient

/// A tree on a disk that is deposited to a FileServer in memory, and what comes back.
final class TreeScene: Sendable {
    let bench: Workbench
    var server: MemoryFileServer { bench.server }

    init() throws {
        bench = try Workbench()
        for name in ["tree", "outside"] { mkdir(bench.path(name), 0o755) }
    }

    func path(_ name: String) -> String { bench.path("tree/\(name)") }

    /// Deposits what is named of the tree, as what it is.
    func deposit(_ names: [String]) async throws -> Workbench.Told {
        let tree = try OpenFolder(named: bench.path("tree"))
        let sources = try names.map { name in
            let path = FilePath(name)
            let origin: UploadSource.Origin =
                switch tree.status(path).map({ FileKind(mode: $0.st_mode) }) {
                case .folder: .folder(tree, path: path)
                case .link: .link(tree, path: path)
                case .pipe, .socket, .device: .special(tree, path: path)
                default: .entry(tree, path: path)
                }
            return UploadSource(name: try FileName("t/\(path.name)"), origin: origin)
        }
        return try await bench.deposit(sources)
    }

    /// What came of each name, by its path below the target.
    struct Came {
        var restored: [String: [RestoreWarning]] = [:]
        var unchanged: [String] = []
        var kept: [String] = []
        var leftOut: [String: RestoreWarning] = [:]
        var failed: [String: DepotError] = [:]
        /// Names of which content was fetched.
        var fetched: [String] = []
    }

    /// Retrieves what the server has, or what a hostile one lists, a few names at a time.
    func retrieve(
        to target: String = "back", overwriting: TreeEntries.Overwriting = .ifChanged,
        attributes: FileAttributes = FileAttributes(), pages: Int = 3,
        comparingContent: Bool = false, listed: [FileBody]? = nil
    ) async throws -> Came {
        let folders = FolderTree(root: bench.path(target))
        let entries = TreeEntries(
            folders, overwriting: overwriting, comparesContent: comparingContent,
            attributes: attributes)
        let comparison = ContentComparison(
            server: server, threads: bench.threads, entries: entries)
        /// What is there and is to be read.
        func compared(_ outcomes: [TreeEntries.Outcome]) async throws -> [TreeEntries.Outcome] {
            guard comparingContent else { return outcomes }
            var compared: [TreeEntries.Outcome] = []
            for outcome in outcomes {
                guard case .lacking(let entry, _) = outcome else {
                    compared.append(outcome)
                    continue
                }
                let version = VersionName(entry.file.name)
                compared.append(await comparison.compare(entry, version, restoring: true))
            }
            return compared
        }
        let files = listed ?? server.files.values.sorted { $0.name < $1.name }
        let all = try files.map {
            TreeEntries.Entry(
                $0, at: FilePath(of: try PathName(String($0.name.text.dropFirst(2)))))
        }
        try folders.makeRoot()
        var came = Came()
        for page in all.batches(sizeMax: pages, size: { _ in 1 }) {
            try await take(compared(entries.take(page)), entries, folders, &came)
        }
        try await take(compared(entries.finishLinks(isLast: true)), entries, folders, &came)
        try await take(entries.finishFolders(before: nil), entries, folders, &came)
        return came
    }

    private func take(
        _ outcomes: [TreeEntries.Outcome], _ entries: TreeEntries, _ folders: FolderTree,
        _ came: inout Came
    ) async throws {
        for outcome in outcomes {
            switch outcome {
            case .restored(let file, let warnings): came.restored[below(file)] = warnings
            case .unchanged(let file, _):
                entries.done(file)
                came.unchanged.append(below(file))
            case .kept(let file): came.kept.append(below(file))
            case .leftOut(let file, let warning): came.leftOut[below(file)] = warning
            case .failed(let name, let error): came.failed[String(name.text.dropFirst(2))] = error
            case .lacking(let entry, _):
                came.fetched.append(below(entry.file))
                do throws(DepotError) {
                    try await bench.retrieve(
                        entry.file.name.text, to: .entry(folders, path: entry.path))
                    entries.done(entry.file)
                } catch {
                    came.failed[below(entry.file)] = error
                }
            }
        }
    }

    private func below(_ file: FileBody) -> String { String(file.name.text.dropFirst(2)) }

    func status(_ name: String) throws -> stat {
        var status = stat()
        try #require(lstat(bench.path(name), &status) == 0, "\(name)")
        return status
    }

    /// A file that a depot lists.
    static func listed(
        _ name: String, _ metadata: FileMetadata = FileMetadata()
    ) throws -> FileBody {
        FileBody(
            FileEntry(
                name: try FileName("t/\(name)"), sequence: CommitSequence(epoch: 1, counter: 1),
                manifest: .empty, size: 0, level: .three, metadata: metadata, time: 0))
    }
}

extension FileMetadata {
    static func link(to target: String) throws -> FileMetadata {
        var metadata = FileMetadata()
        metadata.kind = .link(try LinkTarget(target))
        return metadata
    }

    static func special(_ special: SpecialFile) -> FileMetadata {
        var metadata = FileMetadata(mode: 0o640, modified: FileTime(nanoseconds: 1_000_000_005))
        metadata.kind = .special(special)
        return metadata
    }

    static func folder(mode: UInt16) -> FileMetadata {
        var metadata = FileMetadata(mode: mode, modified: FileTime(nanoseconds: 1_000_000_005))
        metadata.kind = .folder
        return metadata
    }
}
