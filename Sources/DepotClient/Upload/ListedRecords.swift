import DepotCore
import DepotWire

/// What a depot lists, side by side with a tree that is gone through, both in order of names. A
/// page of it at a time is in memory.
struct ListedRecords {
    enum Answer {
        case found(FileBody)
        /// The depot has no such name.
        case none
        /// The next page tells: see `add`.
        case unlisted
    }

    private var page: ArraySlice<FileBody> = []
    private var isAtEnd = false

    /// What the depot has of a name. Names before it are passed, and are not found any more.
    mutating func take(_ name: FileName) -> Answer {
        page = page.drop { $0.name < name }
        guard let next = page.first else { return isAtEnd ? .none : .unlisted }
        return next.name == name ? .found(next) : .none
    }

    /// - Parameter next: begins at the name that was unlisted, or before it; `nil` at the end.
    mutating func add(_ next: [FileBody]?) {
        page = next?[...] ?? []
        isAtEnd = next == nil
    }
}
