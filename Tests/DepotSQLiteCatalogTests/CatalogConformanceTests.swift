import DepotCore
import DepotSQLiteCatalog
import DepotTestSupport
import Testing

@Suite struct CatalogConformanceTests {
    @Test(arguments: CatalogConformance.behaviours)
    func `the embedded catalog does what every catalog must`(
        _ behaviour: CatalogBehaviour
    ) async throws {
        try await withCatalog { fixture in try await behaviour.check(fixture) }
    }
}
