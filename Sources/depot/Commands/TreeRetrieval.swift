import DepotClient
import DepotCore
import DepotWire
import Glibc
import Synchronization

/// Retrieves everything below a name into a folder, several files at a time.
struct TreeRetrieval: Sendable {
    enum Outcome: Sendable {
        case done(DownloadReport)
        case failed(FileName, DepotError)
    }

    /// What is under way at once, groups of small files or large files: hides the round trips.
    private static let unitsMax = 6
    /// Their bytes together, of each no more than a pipeline keeps in memory.
    private static let bytesMax: UInt64 = 48 << 20
    private static let bytesOfEachMax: UInt64 = 16 << 20

    let client: FileServerClient
    let group: GroupDownload
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
        return await withTaskGroup(of: [Outcome].self) { tasks in
            var outcomes: [Outcome] = []
            var bytesUnderWay: UInt64 = 0
            var underWay: [FileName: UInt64] = [:]
            func take(_ unit: [Outcome]) {
                if let first = unit.first, let bytes = underWay.removeValue(forKey: first.name) {
                    bytesUnderWay -= bytes
                }
                outcomes += unit
            }
            for unit in Self.units(files) {
                let bytes = min(unit.reduce(0) { $0 + $1.size }, Self.bytesOfEachMax)
                while underWay.count >= Self.unitsMax
                    || !underWay.isEmpty && bytesUnderWay + bytes > Self.bytesMax,
                    let done = await tasks.next()
                { take(done) }
                guard !Task.isCancelled else { break }
                underWay[unit[0].name] = bytes
                bytesUnderWay += bytes
                tasks.addTask { await retrieve(unit, folders) }
            }
            for await unit in tasks { take(unit) }
            return outcomes.sorted { $0.name < $1.name }
        }
    }

    /// Large files by themselves, small ones in groups, in order of names, so that folders are filled one by one.
    private static func units(_ files: [FileBody]) -> [[FileBody]] {
        let isSmall = { (file: FileBody) in file.size <= GroupDownload.fileBytesMax }
        return files.filter { !isSmall($0) }.map { [$0] }
            + files.filter(isSmall).batches(
                sizeMax: Int(GroupDownload.bytesMax), countMax: GroupDownload.filesMax
            ) { Int($0.size) }
    }

    private func list() async throws(DepotError) -> [FileBody] {
        var files: [FileBody] = []
        while true {
            let page = try await client.files(prefix: "\(prefix)/", after: files.last?.name)
            files += page.files
            guard page.hasMore, !page.files.isEmpty else { return files }
        }
    }

    /// - Returns: of each file of the unit, in order.
    private func retrieve(_ unit: [FileBody], _ folders: FolderTree) async -> [Outcome] {
        var outcomes: [Outcome?] = unit.map { _ in nil }
        var orders: [(index: Int, order: GroupDownload.Order)] = []
        for (index, file) in unit.enumerated() {
            do throws(DepotError) {
                let below = String(file.name.text.dropFirst(prefix.text.count + 1))
                let path = try folders.path(for: below)
                orders.append((index, GroupDownload.Order(name: file.name, path: path)))
            } catch {
                outcomes[index] = .failed(file.name, error)
            }
        }
        let results = await group.run(orders.map(\.order))
        for ((index, order), result) in zip(orders, results) {
            switch result {
            case .success(let report): outcomes[index] = .done(report)
            case .failure(let error): outcomes[index] = .failed(order.name, error)
            }
        }
        return outcomes.compactMap { $0 }
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
final class FolderTree: Sendable {
    let root: String
    /// Folders that were found to be some.
    private let made = Mutex<Set<String>>([])

    init(root: String) { self.root = root }

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
        if made.withLock({ $0.contains(path) }) { return }
        try makeNow(path, mayBeLink: mayBeLink)
        made.withLock { _ = $0.insert(path) }
    }

    private func makeNow(_ path: String, mayBeLink: Bool) throws(DepotError) {
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
