public struct InventoryEntry: Sendable, Hashable {
    public let id: ObjectID
    public let length: Int
    /// The number of the segment where its live copy lies.
    public let segment: UInt32

    public init(id: ObjectID, length: Int, segment: UInt32) {
        self.id = id
        self.length = length
        self.segment = segment
    }
}
