/// Consecutive entries of an inventory.
public struct InventoryPage: Sendable {
    /// The object behind which it begins; `nil`: with the first.
    public let after: ObjectID?
    public let entries: [InventoryEntry]
    /// Nothing comes behind it.
    public let isLast: Bool

    public init(after: ObjectID?, entries: [InventoryEntry], isLast: Bool) {
        self.after = after
        self.entries = entries
        self.isLast = isLast
    }
}

/// Where an inventory and the catalog differ.
public struct InventoryFindings: Sendable, Hashable {
    /// Holdings that the inventory does not show.
    public var missing: [ObjectID] = []
    /// Copies that the catalog did not know of, and now does.
    public var entered: [ObjectID] = []
    /// Batches that the catalog does not know, or has records of that it cannot explain.
    public var unknownRecords: [ChunkID] = []
    /// Chunks whose length is another one than the catalog has.
    public var wrongLength: [ChunkID] = []

    public init() {}
}
