import DepotCore
import DepotWire

/// Where a FileServer keeps its tokens: not at replicas, which never decide who comes in.
public protocol TokenKeeper: Sendable {
    /// - Returns: what was kept last; nothing where nothing was.
    /// - Throws: for what cannot be read, or is no list of tokens: then nobody is let in.
    func load() throws(DepotError) -> [TokenGrant]

    /// Durable when it returns; where it throws, the old ones are there still, or the new ones.
    func keep(_ grants: [TokenGrant]) throws(DepotError)
}

/// Forgets them with the process.
public struct NoTokenKeeper: TokenKeeper {
    public init() {}
    public func load() throws(DepotError) -> [TokenGrant] { [] }
    public func keep(_ grants: [TokenGrant]) throws(DepotError) {}
}
