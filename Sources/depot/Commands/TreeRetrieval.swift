import DepotClient
import DepotCore
import DepotWire
import Glibc

/// Retrieves everything below a name into a folder, several files at a time.
struct TreeRetrieval: Sendable {
    enum Outcome: Sendable {
        case done(DownloadReport)
        case failed(FileName, DepotError)
    }

    /// Files at once: hides the round trips of small ones.
    private static let filesMax = 48
    /// Their bytes together, of each no more than a pipeline keeps in memory.
    private static let bytesMax: UInt64 = 64 << 20
    private static let bytesOfEachMax: UInt64 = 16 << 20

    let client: FileServerClient
    let pipeline: DownloadPipeline
    let prefix: FileName
    let folder: String
    let progress: Progress

    /// - Throws: `notFound` where no name is below the prefix.
    func run() async throws(DepotError) -> [Outcome] {
        let files = try await list()
        guard !files.isEmpty else {
            throw DepotError(.notFound, "no file has a name below it", object: "\(prefix)/")
        }
        for file in files { progress.expect(file.size) }
        let folders = FolderTree(root: folder)
        return await withTaskGroup(of: Outcome.self) { group in
            var outcomes: [Outcome] = []
            var underWay: [FileName: UInt64] = [:]
            func take(_ outcome: Outcome) {
                underWay[outcome.name] = nil
                outcomes.append(outcome)
            }
            for file in files {
                let bytes = min(file.size, Self.bytesOfEachMax)
                while underWay.count >= Self.filesMax
                    || underWay.values.reduce(bytes, +) > Self.bytesMax,
                    let outcome = await group.next()
                { take(outcome) }
                guard !Task.isCancelled else { break }
                underWay[file.name] = bytes
                group.addTask { await retrieve(file, folders) }
            }
            for await outcome in group { take(outcome) }
            return outcomes.sorted { $0.name < $1.name }
        }
    }

    private func list() async throws(DepotError) -> [FileBody] {
        var files: [FileBody] = []
        while true {
            let page = try await client.files(prefix: "\(prefix)/", after: files.last?.name)
            files += page.files
            guard page.hasMore, !page.files.isEmpty else { return files }
        }
    }

    private func retrieve(_ file: FileBody, _ folders: FolderTree) async -> Outcome {
        do throws(DepotError) {
            let below = String(file.name.text.dropFirst(prefix.text.count + 1))
            let path = try folders.path(for: below)
            return .done(try await pipeline.run(file.name, to: .path(path)))
        } catch {
            return .failed(file.name, error)
        }
    }
}

extension TreeRetrieval.Outcome {
    var name: FileName {
        switch self {
        case .done(let report): report.file.name
        case .failed(let name, _): name
        }
    }
}

/// Makes folders below a root, and never leaves it: a symbolic link in the way is an error, not a way out.
struct FolderTree: Sendable {
    let root: String

    /// Where a file goes; its folders are there when this returns.
    func path(for name: String) throws(DepotError) -> String {
        var path = root
        try make(path, mayBeLink: true)
        let parts = name.split(separator: "/")
        for part in parts.dropLast() {
            path += "/\(part)"
            try make(path, mayBeLink: false)
        }
        return "\(path)/\(parts.last ?? "")"
    }

    private func make(_ path: String, mayBeLink: Bool) throws(DepotError) {
        if mkdir(path, 0o777) == 0 { return }
        guard errno == EEXIST else {
            throw DepotError(
                .invalidArgument, "cannot make the folder: \(String(cString: strerror(errno)))",
                object: path)
        }
        var status = stat()
        let isThere = mayBeLink ? stat(path, &status) == 0 : lstat(path, &status) == 0
        guard isThere, status.st_mode & S_IFMT == S_IFDIR else {
            throw DepotError(
                .invalidArgument,
                "a file or a symbolic link is where a folder has to be; move it away", object: path)
        }
    }
}
