import DepotClient
import DepotCore
import DepotWire

/// The files below a name of which content is to be fetched, in units that are retrieved together:
/// large files by themselves, small ones in groups, in order of names, so that folders are filled
/// one by one. A page of them at a time is in memory.
struct TreeListing {
    private let tree: TreeName
    private var pages: NamePages
    /// Small files that do not make a group yet.
    private var small: [TreeEntries.Entry] = []
    /// Last first.
    private var units: [[TreeEntries.Entry]] = []
    private var isEmpty: Bool
    private var last: FileName?

    /// - Parameter isKnown: whether the name itself is a folder's, so that nothing need be below it.
    init(
        _ client: FileServerClient, _ moment: ListMoment, _ tree: TreeName, isKnown: Bool
    ) {
        self.tree = tree
        pages = NamePages(client, moment, prefix: tree.prefix)
        isEmpty = !isKnown
    }

    /// The first name that was listed and is not handed out yet, or the last that was.
    private(set) var firstWaiting: FileName?

    /// - Parameter select: leaves of a page those files of which content is to be fetched.
    /// - Returns: `nil` at the end; nothing where a page had nothing to fetch.
    /// - Throws: `notFound` where there is none at all.
    mutating func next(
        _ select: ([FileBody]) async throws(DepotError) -> [TreeEntries.Entry]
    ) async throws(DepotError) -> [TreeEntries.Entry]? {
        defer {
            let waiting = (small + units.joined()).map(\.file.name).min()
            firstWaiting = waiting ?? last
        }
        if units.isEmpty, let page = try await pages.next() {
            isEmpty = false
            last = page.last?.name
            take(try await select(page))
            return units.popLast() ?? []
        }
        if isEmpty {
            throw DepotError(.notFound, "no file has a name below it", object: tree.shown)
        }
        if units.isEmpty, !small.isEmpty {
            defer { small = [] }
            return small
        }
        return units.popLast()
    }

    private mutating func take(_ page: [TreeEntries.Entry]) {
        let isSmall = { (entry: TreeEntries.Entry) in
            entry.file.size <= GroupDownload.fileBytesMax
        }
        var groups = (small + page.filter(isSmall)).batches(
            sizeMax: Int(GroupDownload.bytesMax), countMax: GroupDownload.filesMax
        ) { Int($0.file.size) + $0.file.textSize }
        small = groups.popLast() ?? []
        units = (page.filter { !isSmall($0) }.map { [$0] } + groups).reversed()
    }
}
