/// A name of which replicas have records.
public struct RestorableName: Sendable {
    public let name: FileName
    /// Not empty; the newest first.
    public let versions: [AddressedRecord]

    public init(_ name: FileName, _ versions: [AddressedRecord]) {
        assert(!versions.isEmpty, "a name of which nobody has a record")
        self.name = name
        self.versions = versions
    }
}
