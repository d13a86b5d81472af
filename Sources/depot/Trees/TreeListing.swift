import DepotClient
import DepotCore
import DepotWire

/// The files below a name, in units that are retrieved together: large files by themselves, small
/// ones in groups, in order of names, so that folders are filled one by one. A page of them at a
/// time is in memory.
struct TreeListing {
    private let prefix: FileName
    private var pages: NamePages
    /// Small files that do not make a group yet.
    private var small: [FileBody] = []
    /// Last first.
    private var units: [[FileBody]] = []
    private var isEmpty = true

    init(_ client: FileServerClient, _ prefix: FileName) {
        self.prefix = prefix
        pages = NamePages(client, prefix: "\(prefix)/")
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
