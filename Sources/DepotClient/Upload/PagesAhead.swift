import DepotCore
import DepotWire

/// The depot's list of a tree, of which the next page is on its way while one is gone through.
struct PagesAhead {
    private typealias Answer = Result<(page: [FileBody]?, rest: NamePages), DepotError>

    private var pages: NamePages
    private var ahead: Task<Answer, Never>?
    /// Nobody's names lie between those of the tree, as far as is known: the next page is wanted.
    private var isDense = true

    init(_ pages: NamePages) { self.pages = pages }

    /// - Parameter name: what the page is wanted for: names before it may be left out.
    /// - Returns: `nil` where the depot has neither the name nor any behind it.
    mutating func next(for name: FileName) async throws(DepotError) -> [FileBody]? {
        var page: [FileBody]?
        if let answer = await ahead?.value {
            ahead = nil
            (page, pages) = try answer.get()
            isDense = page?.last.map { $0.name >= name } ?? true
            if !isDense { page = try await skip(to: name) }
        } else {
            page = try await skip(to: name)
        }
        if isDense, page != nil { ahead = Self.ask(pages) }
        return page
    }

    private mutating func skip(to name: FileName) async throws(DepotError) -> [FileBody]? {
        pages.skip(to: name)
        return try await pages.next()
    }

    private static func ask(_ pages: NamePages) -> Task<Answer, Never> {
        Task {
            var rest = pages
            do throws(DepotError) {
                return .success((try await rest.next(), rest))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Nothing is on its way any more when this returns.
    mutating func end() async {
        ahead?.cancel()
        _ = await ahead?.value
        ahead = nil
    }
}
