import DepotCore
import DepotWire

extension VersionService {
    /// A page of names.
    ///
    /// - Parameter reach: names out of it are left out, as if there were none.
    func files(
        _ moment: ListMoment, prefix: String, after: FileName?, limit: Int, within reach: NameReach
    ) async throws(DepotError) -> FileListBody {
        let parts = reach.parts(beginningWith: prefix).filter { $0.goesOn(behind: after) }
        var found: [FileEntry] = []
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            switch part {
            case .name(let name):
                let page = try await page(moment, prefix: name.text, after: after, limit: 1)
                found += page.files.filter { $0.name == name }
                if found.count == limit { return body(found, hasMore: !isLast) }
            case .prefix(let prefix):
                let page = try await page(
                    moment, prefix: prefix, after: after, limit: limit - found.count)
                found += page.files
                // Long records are memory: a page is never more than what one part gives, and the
                // names in front of it.
                if page.hasMore || !found.isEmpty {
                    return body(found, hasMore: page.hasMore || !isLast, next: page.next)
                }
            }
        }
        return body(found, hasMore: false)
    }

    private func body(
        _ files: [FileEntry], hasMore: Bool, next: FileName? = nil
    ) -> FileListBody {
        FileListBody(files: files.map(FileBody.init), hasMore: hasMore, next: next)
    }

    private func page(
        _ moment: ListMoment, prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage {
        switch moment {
        case .now: try await catalog.files(prefix: prefix, after: after, limit: limit)
        case .at(let time):
            try await catalog.files(at: time, prefix: prefix, after: after, limit: limit)
        case .beforeDeletion:
            try await catalog.deletedFiles(prefix: prefix, after: after, limit: limit)
        }
    }
}

extension NameReach.Part {
    /// Whether any of its names can come behind another one.
    fileprivate func goesOn(behind name: FileName?) -> Bool {
        guard let name else { return true }
        switch self {
        case .name(let own): return name < own
        case .prefix(let prefix):
            return name.text.precedesByBytes(prefix) || name.text.utf8.starts(with: prefix.utf8)
        }
    }
}
