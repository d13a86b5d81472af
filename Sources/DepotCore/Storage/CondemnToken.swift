/// The right to delete what was condemned. Opaque; random; worthless after a restart of its store.
public struct CondemnToken: Sendable, Hashable, Codable {
    public let value: UInt64
    public init(value: UInt64) { self.value = value }
}
