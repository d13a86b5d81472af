import DepotClient
import DepotCore
import DepotWire
import Glibc
import Synchronization

import struct SystemPackage.FilePath

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
        let counting = Task { if progress.isShown { try await count() } }
        defer { counting.cancel() }
        var listing = TreeListing(client, prefix)
        let folders = FolderTree(root: folder)
        let outcome = await withTaskGroup(of: (bytes: UInt64, [Outcome]).self) { tasks in
            var (unitsUnderWay, bytesUnderWay) = (0, UInt64(0))
            func take(_ bytes: UInt64, _ outcomes: [Outcome]) {
                unitsUnderWay -= 1
                bytesUnderWay -= bytes
                for outcome in outcomes { onOutcome(outcome) }
            }
            var result = Result<Void, DepotError>.success(())
            do throws(DepotError) {
                while let unit = try await listing.next(), !Task.isCancelled {
                    try folders.makeRoot()
                    let bytes = min(unit.reduce(0) { $0 + $1.size }, Self.bytesOfEachMax)
                    while unitsUnderWay >= Self.unitsMax
                        || unitsUnderWay > 0 && bytesUnderWay + bytes > Self.bytesMax,
                        let done = await tasks.next()
                    { take(done.bytes, done.1) }
                    unitsUnderWay += 1
                    bytesUnderWay += bytes
                    tasks.addTask { (bytes, await retrieve(unit, folders)) }
                }
            } catch {
                result = .failure(error)
            }
            for await done in tasks { take(done.bytes, done.1) }
            return result
        }
        try outcome.get()
    }

    /// Lists ahead of what is retrieved, for the progress alone.
    private func count() async throws(DepotError) {
        var pages = NamePages(client, prefix)
        var size: UInt64 = 0
        while let page = try await pages.next() { size += page.reduce(0) { $0 + $1.size } }
        progress.expect(size)
    }

    /// In bytes: to a `String` a slash and a combining mark behind it are one character.
    private func below(_ name: FileName) -> String {
        String(Substring(name.text.utf8.dropFirst(prefix.text.utf8.count + 1)))
    }

    /// - Returns: of each file of the unit, in order.
    private func retrieve(_ unit: [FileBody], _ folders: FolderTree) async -> [Outcome] {
        var outcomes: [Outcome?] = unit.map { _ in nil }
        var orders: [(index: Int, order: GroupDownload.Order)] = []
        for (index, file) in unit.enumerated() {
            do throws(DepotError) {
                let path = try folders.path(for: below(file.name))
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

/// The files below a name, in order of name, a page at a time.
private struct NamePages {
    private let client: FileServerClient
    private let prefix: FileName
    private var last: FileName?
    private(set) var isAtEnd = false

    init(_ client: FileServerClient, _ prefix: FileName) {
        self.client = client
        self.prefix = prefix
    }

    /// - Returns: at least one file; `nil` at the end.
    mutating func next() async throws(DepotError) -> [FileBody]? {
        guard !isAtEnd else { return nil }
        let page = try await client.files(prefix: "\(prefix)/", after: last)
        isAtEnd = !page.hasMore || page.files.isEmpty
        last = page.files.last?.name
        return page.files.isEmpty ? nil : page.files
    }
}

/// The files below a name, in units that are retrieved together: large files by themselves, small ones in groups, in
/// order of names, so that folders are filled one by one. A page of them at a time is in memory.
private struct TreeListing {
    private let prefix: FileName
    private var pages: NamePages
    /// Small files that do not make a group yet.
    private var small: [FileBody] = []
    /// Last first.
    private var units: [[FileBody]] = []
    private var isEmpty = true

    init(_ client: FileServerClient, _ prefix: FileName) {
        self.prefix = prefix
        pages = NamePages(client, prefix)
    }

    /// - Returns: at least one file; `nil` at the end.
    /// - Throws: `notFound` where there is none at all.
    mutating func next() async throws(DepotError) -> [FileBody]? {
        while units.isEmpty, let page = try await pages.next() {
            isEmpty = false
            take(page)
        }
        if isEmpty {
            throw DepotError(.notFound, "no file has a name below it", object: "\(prefix)/")
        }
        if units.isEmpty, !small.isEmpty {
            defer { small = [] }
            return small
        }
        return units.popLast()
    }

    private mutating func take(_ page: [FileBody]) {
        let isSmall = { (file: FileBody) in file.size <= GroupDownload.fileBytesMax }
        var groups = (small + page.filter(isSmall)).batches(
            sizeMax: Int(GroupDownload.bytesMax), countMax: GroupDownload.filesMax
        ) { Int($0.size) }
        small = groups.popLast() ?? []
        units = (page.filter { !isSmall($0) }.map { [$0] } + groups).reversed()
    }
}

/// Makes folders below a root, and never leaves it: a symbolic link in the way is an error, not a way out.
final class FolderTree: Sendable {
    private let root: FilePath
    /// Folders are filled one by one: this many are remembered.
    private static let madeMax = 4_096

    /// Folders that were found to be some.
    private let made = Mutex<Set<FilePath>>([])

    init(root: String) { self.root = FilePath(root) }

    /// Without it nothing can be done, and there is no need to say so of each file.
    func makeRoot() throws(DepotError) { try make(root, mayBeLink: true) }

    /// Where a file goes; its folders are there when this returns.
    func path(for name: String) throws(DepotError) -> String {
        try makeRoot()
        var path = root
        let parts = FilePath(name).components
        for part in parts.dropLast() {
            path.append(part)
            try make(path, mayBeLink: false)
        }
        if let last = parts.last { path.append(last) }
        return path.string
    }

    private func make(_ path: FilePath, mayBeLink: Bool) throws(DepotError) {
        if made.withLock({ $0.contains(path) }) { return }
        try Self.makeNow(path.string, mayBeLink: mayBeLink)
        made.withLock { made in
            if made.count >= Self.madeMax { made.removeAll() }
            made.insert(path)
        }
    }

    private static func makeNow(_ path: String, mayBeLink: Bool) throws(DepotError) {
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
