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
    private static let bytesMax: UInt64 = 32 << 20
    private static let bytesOfEachMax: UInt64 = 16 << 20

    let client: FileServerClient
    let group: GroupDownload
    let prefix: FileName
    let folder: String
    let progress: Progress
    let onOutcome: @Sendable (Outcome) -> Void

    /// What becomes of each file is told when it is known, and not kept.
    ///
    /// - Throws: `notFound` where no name is below the prefix; what ends the listing.
    func run() async throws(DepotError) {
        let counting = Task { if progress.isShown { await count() } }
        defer { counting.cancel() }
        var listing = TreeListing(client: client, prefix: prefix)
        let folders = FolderTree(root: folder)
        let outcome = await withTaskGroup(of: (FileName, [Outcome]).self) { tasks in
            var bytesUnderWay: UInt64 = 0
            var underWay: [FileName: UInt64] = [:]
            func take(_ done: (name: FileName, outcomes: [Outcome])) {
                bytesUnderWay -= underWay.removeValue(forKey: done.name) ?? 0
                for outcome in done.outcomes { onOutcome(outcome) }
            }
            do throws(DepotError) {
                while let unit = try await listing.next(), !Task.isCancelled {
                    let bytes = min(unit.reduce(0) { $0 + $1.size }, Self.bytesOfEachMax)
                    while underWay.count >= Self.unitsMax
                        || !underWay.isEmpty && bytesUnderWay + bytes > Self.bytesMax,
                        let done = await tasks.next()
                    { take(done) }
                    underWay[unit[0].name] = bytes
                    bytesUnderWay += bytes
                    tasks.addTask { (unit[0].name, await retrieve(unit, folders)) }
                }
                for await done in tasks { take(done) }
                return Result<Void, DepotError>.success(())
            } catch {
                for await done in tasks { take(done) }
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Lists ahead of what is retrieved, for the progress alone.
    private func count() async {
        var last: FileName?
        // What fails here fails for who retrieves, too.
        while let page = try? await client.files(prefix: "\(prefix)/", after: last),
            !Task.isCancelled
        {
            progress.expect(page.files.reduce(0) { $0 + $1.size })
            guard page.hasMore, let name = page.files.last?.name else { return }
            last = name
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

/// The files below a name, in units that are retrieved together: large files by themselves, small ones in groups, in
/// order of names, so that folders are filled one by one. A page of them at a time is in memory.
private struct TreeListing {
    let client: FileServerClient
    let prefix: FileName

    /// Small files that do not make a group yet.
    private var small: [FileBody] = []
    /// Last first.
    private var units: [[FileBody]] = []
    private var last: FileName?
    private var isAtEnd = false

    init(client: FileServerClient, prefix: FileName) {
        self.client = client
        self.prefix = prefix
    }

    /// - Returns: at least one file; `nil` at the end.
    mutating func next() async throws(DepotError) -> [FileBody]? {
        while units.isEmpty, !isAtEnd { try await readPage() }
        return units.popLast()
    }

    private mutating func readPage() async throws(DepotError) {
        let page = try await client.files(prefix: "\(prefix)/", after: last)
        guard last != nil || !page.files.isEmpty else {
            throw DepotError(.notFound, "no file has a name below it", object: "\(prefix)/")
        }
        last = page.files.last?.name ?? last
        isAtEnd = !page.hasMore || page.files.isEmpty
        let isSmall = { (file: FileBody) in file.size <= GroupDownload.fileBytesMax }
        var groups = (small + page.files.filter(isSmall)).batches(
            sizeMax: Int(GroupDownload.bytesMax), countMax: GroupDownload.filesMax
        ) { Int($0.size) }
        small = isAtEnd ? [] : groups.popLast() ?? []
        units = (page.files.filter { !isSmall($0) }.map { [$0] } + groups).reversed()
    }
}

/// Makes folders below a root, and never leaves it: a symbolic link in the way is an error, not a way out.
final class FolderTree: Sendable {
    let root: String
    /// Folders are filled one by one: this many are remembered.
    private static let madeMax = 4_096

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
        made.withLock { made in
            if made.count >= Self.madeMax { made.removeAll() }
            made.insert(path)
        }
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
