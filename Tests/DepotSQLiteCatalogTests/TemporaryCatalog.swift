import DepotCore
import DepotSQLiteCatalog
import DepotTestSupport
import FoundationEssentials
import Synchronization

/// A clock that stands until it is moved.
final class ManualClock: Sendable {
    private let elapsed = Mutex(Duration.zero)
    private let calendar = Mutex(CatalogFixture.calendarStart)

    var clock: CatalogClock {
        CatalogClock(
            elapsed: { self.elapsed.withLock { $0 } }, calendar: { self.calendar.withLock { $0 } })
    }

    func advance(_ duration: Duration) { elapsed.withLock { $0 += duration } }

    /// What the clock on the wall says, until it is set again.
    func setCalendar(_ seconds: Int64) { calendar.withLock { $0 = seconds } }

    func fixture(_ catalog: any Catalog) -> CatalogFixture {
        CatalogFixture(
            catalog: catalog, advance: { self.advance($0) },
            setCalendar: { self.setCalendar($0) })
    }
}

/// A folder that is gone when `body` is done.
///
/// - Parameter inMemory: in memory where the system has such a place, for tests that open a catalog some hundred times
///   and lose nothing by syncs that do nothing.
func withFolder<Result>(
    inMemory: Bool = false, _ body: (String) async throws -> Result
) async throws -> Result {
    let memory = "/dev/shm"
    let place =
        inMemory && FileManager.default.isWritableFile(atPath: memory)
        ? URL(fileURLWithPath: memory) : FileManager.default.temporaryDirectory
    let folder = place.appendingPathComponent("depot-catalog-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

func withCatalog<Result>(
    versions: VersionPolicy = .nothing, _ body: (CatalogFixture) async throws -> Result
) async throws -> Result {
    let time = ManualClock()
    let catalog = try await SQLiteCatalog.temporary(clock: time.clock, versions: versions)
    let result = try await body(time.fixture(catalog))
    try catalog.close()
    return result
}
