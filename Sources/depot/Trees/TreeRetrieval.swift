import DepotClient
import DepotCore
import DepotWire

/// Retrieves everything below a name into a folder, several files at a time.
struct TreeRetrieval: Sendable {
    enum Outcome: Sendable {
        case done(DownloadReport)
        case failed(FileName, DepotError)
    }

    /// Bytes of what is under way at once, of each no more than a pipeline keeps in memory.
    private static let bytesMax: UInt64 = 32 << 20
    private static let bytesOfEachMax: UInt64 = 16 << 20

    let client: FileServerClient
    let group: GroupDownload
    let prefix: FileName
    let folders: FolderTree
    let progress: Progress
    let onOutcome: @Sendable (Outcome) -> Void

    /// What becomes of each file is told when it is known, and not kept.
    ///
    /// - Throws: `notFound` where no name is below the prefix; what ends the listing.
    func run() async throws(DepotError) {
        let counting = Task { if progress.isShown { try await count() } }
        defer { counting.cancel() }
        var listing = TreeListing(client, prefix)
        // Groups of small files, or large files: several hide the round trips.
        let unitsMax = Descriptors.unitsAtOnce
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
                    while unitsUnderWay >= unitsMax
                        || unitsUnderWay > 0 && bytesUnderWay + bytes > Self.bytesMax,
                        let done = await tasks.next()
                    { take(done.bytes, done.1) }
                    unitsUnderWay += 1
                    bytesUnderWay += bytes
                    tasks.addTask { (bytes, await retrieve(unit)) }
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
        var pages = NamePages(client, prefix: "\(prefix)/")
        var size: UInt64 = 0
        while let page = try await pages.next() { size.increase(by: page.total { $0.size }) }
        progress.set(total: size)
    }

    /// In bytes: to a `String` a slash and a combining mark behind it are one character.
    private func below(_ name: FileName) -> String {
        String(Substring(name.text.utf8.dropFirst(prefix.text.utf8.count + 1)))
    }

    /// - Returns: of each file of the unit, in order.
    private func retrieve(_ unit: [FileBody]) async -> [Outcome] {
        let orders = unit.map { file in
            GroupDownload.Order(
                name: file.name, target: .entry(folders, path: below(file.name)))
        }
        return zip(orders, await group.run(orders)).map { order, result in
            switch result {
            case .success(let report): .done(report)
            case .failure(let error): .failed(order.name, error)
            }
        }
    }
}
