// The answer of a replica takes time to arrive, and the catalog may have changed meanwhile. A mark
// says how much of the catalog's history the answer can have known, so that a late answer never
// undoes a later change.

/// A catalog whose changes have an order that callers can refer to. Each role that takes answers of
/// replicas is one.
public protocol OrderedCatalog: Sendable {
    /// A mark to take *before* a replica is asked something whose answer will be told to the
    /// catalog. With it the catalog recognises an answer that was overtaken on its way: where a
    /// copy was vouched for, then released and deleted, the late vouch does not make it good again.
    func mark() async throws(DepotError) -> CatalogMark
}

/// A moment in the order of the catalog's own changes; worth nothing to another catalog.
public struct CatalogMark: Sendable, Hashable, Comparable {
    public let value: UInt64

    public init(value: UInt64) { self.value = value }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}
