import DepotCore

/// Goes through a cache side by side with a tree, both in order of names. What the tree has no more
/// is forgotten. May block.
struct CachedEntries {
    private let cache: DepositCache
    private var page: ArraySlice<(name: FileName, entry: DepositCache.Entry)> = []
    /// Of the last page.
    private var end: FileName?
    private var isAtEnd = false
    /// The tree has it.
    private var taken: FileName?

    init(_ cache: DepositCache) { self.cache = cache }

    /// What is remembered of a name. Names before it are passed, and are not found any more.
    mutating func take(_ name: FileName) -> DepositCache.Entry? {
        pass(before: name)
        taken = name
        return page.first.flatMap { $0.name == name ? $0.entry : nil }
    }

    /// The tree has no more names.
    mutating func finish() { pass(before: nil) }

    private mutating func pass(before name: FileName?) {
        while let next = next(), name.map({ next < $0 }) ?? true {
            if next != taken { cache.forget(next) }
            page.removeFirst()
        }
    }

    private mutating func next() -> FileName? {
        if page.isEmpty, !isAtEnd {
            page = cache.page(after: end)[...]
            end = page.last?.name ?? end
            isAtEnd = page.isEmpty
        }
        return page.first?.name
    }
}
