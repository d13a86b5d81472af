import DepotClient
import DepotCore

/// A folder of the depot with all that is below it, or all of the depot: `/`.
struct TreeName: Sendable {
    /// `nil`: all of it.
    let name: FileName?

    /// - Throws: `invalidArgument` for what is no name.
    init(_ text: String) throws(DepotError) {
        let isAll = !text.isEmpty && text.utf8.allSatisfy { $0 == UInt8(ascii: "/") }
        name = isAll ? nil : try FileName(path: text.withoutEndingSlashes)
    }

    /// - Throws: `invalidArgument` for all of the depot, which no folder is compared with: what lies
    ///   beside it would be deleted.
    func named() throws(DepotError) -> FileName {
        guard let name else {
            throw DepotError(
                .invalidArgument,
                "what lies beside all of a depot is not deleted; name a folder of it", object: "/")
        }
        return name
    }

    /// What names in it begin with.
    var prefix: String { name.map { "\($0)/" } ?? "" }

    /// As people know it.
    var shown: String { prefix.isEmpty ? "/" : prefix }

    /// A name in it without what is in front of it. Of bytes: a slash is one whatever stands behind
    /// it.
    func below(_ name: FileName) -> String {
        String(Substring(name.text.utf8.dropFirst(prefix.utf8.count)))
    }
}
