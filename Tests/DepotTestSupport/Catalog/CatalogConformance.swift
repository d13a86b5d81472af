import DepotCore
import Testing

/// What every `Catalog` must do, one behaviour a test case. Give each a catalog of its own.
public enum CatalogConformance {
    public static let behaviours: [CatalogBehaviour] =
        members + deposits + negotiations + reaches + barriers + barriersOfCommits
        + receipts + keptReceipts + commits
        + files + folders + records + copies + overtaken + races
        + retrievals
        + batches + figures + censuses + inventories + scrubs + repairs + collections + heldBack
        + oldRecords
        + membership + rebuilds + inlineManifests
}

/// One thing that a catalog does, and how to see that it does.
public struct CatalogBehaviour: Sendable, CustomTestStringConvertible {
    public let name: String
    public let check: @Sendable (CatalogFixture) async throws -> Void

    init(_ name: String, _ check: @escaping @Sendable (CatalogFixture) async throws -> Void) {
        self.name = name
        self.check = check
    }

    public var testDescription: String { name }
}

/// Shorter names for what stories speak of.
typealias Fixture = CatalogFixture
