import DepotCore
import DepotWire

// What a FileServer lists becomes paths of this machine. So it is believed only where it is an
// answer to what was asked, on every page: names that begin as was asked, in order, each behind the
// one before.

/// The files whose names begin so, in order of name, a page at a time.
public struct NamePages: Sendable {
    private let server: any FileServerAPI
    private let moment: ListMoment
    private let prefix: String
    private var last: FileName?
    private var isAtEnd = false

    /// - Parameter prefix: with `/` at its end, of the files in a folder.
    public init(_ server: any FileServerAPI, _ moment: ListMoment = .now, prefix: String) {
        self.moment = moment
        self.server = server
        self.prefix = prefix
    }

    /// - Returns: at least one file; `nil` at the end.
    /// - Throws: `internalError` for an answer to another question, or to none.
    public mutating func next() async throws(DepotError) -> [FileBody]? {
        while !isAtEnd {
            let page = try await server.files(moment, prefix: prefix, after: last)
            for file in page.files { try check(file.name) }
            isAtEnd = !page.hasMore
            if page.hasMore, let next = page.next, next != last {
                try check(next)
            } else if page.hasMore, page.files.isEmpty {
                throw wrong("it says that there is more, and lists nothing")
            }
            if !page.files.isEmpty { return page.files }
        }
        return nil
    }

    /// What the next page lists may begin at a name, where others than those before it were listed.
    public mutating func skip(to name: FileName) {
        guard let place = name.placeBefore, last.map({ $0 < place }) ?? true else { return }
        last = place
    }

    private mutating func check(_ name: FileName) throws(DepotError) {
        guard name.text.utf8.starts(with: prefix.utf8) else {
            throw wrong("'\(name)' does not begin so")
        }
        if let last, last >= name { throw wrong("'\(name)' does not come behind '\(last)'") }
        last = name
    }

    private func wrong(_ why: String) -> DepotError {
        DepotError(
            .internalError,
            "the FileServer does not list what it was asked for: \(why). It is faulty, or is not "
                + "the one that it seems",
            object: prefix)
    }
}

extension FileName {
    /// A name that comes before this one, with few between them; `nil` where none is found.
    var placeBefore: FileName? {
        var scalars = text.unicodeScalars
        guard let last = scalars.popLast(), last.value > 0,
            let before = Unicode.Scalar(last.value - 1)
        else { return nil }
        scalars.append(before)
        // Behind all that begins so, but for what nobody calls a file.
        scalars.append("\u{10FFFD}")
        return try? FileName(String(scalars))
    }
}
