import DepotCore
import HummingbirdCore

/// Method, path and query of a request, on the way to being parsed.
struct RequestTarget {
    let method: String
    /// Parts of the path, as sent; the first group of a request takes its own away.
    let parts: ArraySlice<Substring>
    let query: QueryParameters
    private let path: String

    /// - Throws: `invalidArgument` for a query that is none.
    init(method: String, uri: URI) throws(DepotError) {
        self.method = method
        path = uri.path
        parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        query = try QueryParameters(uri.query)
    }

    private init(_ target: RequestTarget, parts: ArraySlice<Substring>) {
        (method, path, query) = (target.method, target.path, target.query)
        self.parts = parts
    }

    /// The target behind so many parts of the path.
    func behind(_ count: Int) -> RequestTarget {
        RequestTarget(self, parts: parts.dropFirst(count))
    }

    /// The request that the method asks for. Parameters that only it has are looked at in `make`, once
    /// it is known that they are its own.
    ///
    /// - Throws: `MethodNotAllowed`, and as the choice.
    func choose<Request>(_ choices: [String: () throws -> Request]) throws -> Request {
        guard let make = choices[method] else {
            throw MethodNotAllowed(method: method, allowed: choices.keys.sorted())
        }
        return try make()
    }

    /// - Parameter owner: of the id, for people to read: `a deposit's`.
    /// - Throws: `invalidArgument`.
    func id<ID: UUIDIdentifier>(
        _ text: Substring, _ owner: String
    ) throws(DepotError) -> ID {
        guard let id = ID(text) else {
            throw DepotError(
                .invalidArgument, "not \(owner) id: expected a UUID",
                object: String(text.prefix(80)))
        }
        return id
    }

    /// Nothing is at this path.
    var unknown: DepotError {
        DepotError(
            .notFound, "there is nothing at this path of a FileServer",
            object: String(path.prefix(200)))
    }
}
