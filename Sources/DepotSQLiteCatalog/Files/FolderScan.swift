import DepotCore
import DepotSQLite

// A folder may have a hundred thousand names below it, and is one line of a list. So its names are
// not read: after the first of them the scan goes on at the first name that cannot be in the
// folder. Slash and zero are neighbours, so what is in `a/` ends before `a0`.

/// Reads what stands directly below a prefix, entry by entry.
struct FolderScan {
    private let session: Session
    private let prefix: String
    private let limit: Int
    private let reach: NameReach
    private let names: SQLStatement
    /// Where it goes on.
    private var start: (text: String, isIncluded: Bool)
    private var entries: [FolderPage.Entry] = []
    private var size = 0
    private var hasMore = false

    init(
        _ session: Session, prefix: String, after: String?, limit: Int, within reach: NameReach
    ) throws {
        self.session = session
        self.prefix = prefix
        self.limit = limit
        self.reach = reach
        names = try session.statement("SELECT name FROM file WHERE name >= ? ORDER BY name")
        start = (prefix, true)
        guard let after, !after.precedesByBytes(prefix) else { return }
        start =
            after.utf8.count > prefix.utf8.count && after.utf8.last == UInt8(ascii: "/")
            ? (Self.end(of: after), true) : (after, false)
    }

    /// The first text that is behind all that begin with a folder's prefix.
    private static func end(of folder: String) -> String {
        String(Substring(folder.utf8.dropLast())) + "0"
    }

    mutating func page() throws -> FolderPage {
        for part in reach.parts(beginningWith: prefix) where !hasMore {
            while !hasMore, try scan(part) {}
        }
        return FolderPage(entries: entries, hasMore: hasMore)
    }

    private enum Stop {
        case end
        /// The names of this folder are passed over.
        case folder(String, isHidden: Bool)
    }

    /// Reads to the end of a part, or to the next folder in it.
    ///
    /// - Returns: whether it may go on in the part.
    private mutating func scan(_ part: NameReach.Part) throws -> Bool {
        let from = start.text.precedesByBytes(part.first) ? (part.first, true) : start
        var stop = Stop.end
        try names.visit(from.0) { row in
            let name = try row.get(0, as: FileName.self)
            if !from.1, name.text.equalsByBytes(from.0) { return true }
            guard part.has(name) else { return false }
            if let folder = folder(of: name) {
                stop = .folder(folder, isHidden: SQLiteCatalog.isHidden(name, below: prefix))
                return false
            }
            return try take(name)
        }
        guard case .folder(let folder, let isHidden) = stop else { return false }
        if !isHidden {
            guard entries.count < limit else {
                hasMore = true
                return false
            }
            entries.append(.folder(prefix: folder, files: try count(folder)))
        }
        start = (Self.end(of: folder), true)
        return true
    }

    /// - Returns: `nil` for a name that stands directly below the prefix.
    private func folder(of name: FileName) -> String? {
        let rest = name.text.utf8.dropFirst(prefix.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        return String(name.text[...slash])
    }

    /// - Returns: whether there is room for more.
    private mutating func take(_ name: FileName) throws -> Bool {
        guard let found = try FileTable(session).known(name) else { return true }
        size += found.textSize
        hasMore =
            entries.count == limit || !entries.isEmpty && size > limit * FilePage.entrySize
        guard !hasMore else { return false }
        let versions = try session.statement(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM version WHERE name = ? AND deleted = 0 LIMIT ?)
            """
        ).first(name, FolderPage.versionsMax) { try $0.get(0, as: Int.self) }
        entries.append(.file(found.entry, versions: versions ?? 0))
        return true
    }

    private func count(_ folder: String) throws -> Int? {
        guard reach.parts(beginningWith: folder) == [.prefix(folder)] else { return nil }
        return try session.statement(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM file WHERE name >= ? AND name < ? LIMIT ?)
            """
        ).first(folder, Self.end(of: folder), FolderPage.countedMax) {
            try $0.get(0, as: Int.self)
        }
    }
}

extension NameReach.Part {
    /// The first name that it may have.
    fileprivate var first: String {
        switch self {
        case .name(let name): name.text
        case .prefix(let prefix): prefix
        }
    }

    fileprivate func has(_ name: FileName) -> Bool {
        switch self {
        case .name(let own): name == own
        case .prefix(let prefix): name.text.utf8.starts(with: prefix.utf8)
        }
    }
}

extension SQLiteCatalog {
    public func folder(
        _ prefix: String, after: String?, limit: Int, within reach: NameReach
    ) async throws(DepotError) -> FolderPage {
        try Self.checkPage(limit)
        return try await queue.view { session in
            var scan = try FolderScan(
                session, prefix: prefix, after: after, limit: limit, within: reach)
            return try scan.page()
        }
    }
}
