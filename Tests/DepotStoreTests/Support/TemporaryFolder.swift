import DepotCore
import FoundationEssentials
import Logging
import Testing

@testable import DepotStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A folder that is gone when `body` is done.
///
/// - Parameter inMemory: in memory where the system has such a place, for tests that open a store some hundred times
///   and lose nothing by syncs that do nothing.
func withFolder<Result>(
    inMemory: Bool = false, _ body: (String) async throws -> Result
) async throws -> Result {
    let memory = "/dev/shm"
    let place =
        inMemory && FileManager.default.isWritableFile(atPath: memory)
        ? memory : FileManager.default.temporaryDirectory.path
    let folder = "\(place)/depot-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Small segments, so that a few chunks fill one, and some appends past the page cache.
func smallSegments(_ size: UInt64 = 64 << 10) -> SegmentStoreConfiguration {
    var configuration = SegmentStoreConfiguration()
    configuration.segmentSize = size
    configuration.directSizeMin = 4 << 10
    return configuration
}

/// A store that is closed when `body` is done.
func withStore<Result>(
    at folder: String, _ configuration: SegmentStoreConfiguration = smallSegments(),
    _ body: (SegmentStore) async throws -> Result
) async throws -> Result {
    let store = try await SegmentStore.open(
        at: folder, configuration: configuration, logger: quiet)
    do {
        let result = try await body(store)
        await store.close()
        return result
    } catch {
        await store.close()
        throw error
    }
}

/// What a kill leaves, to be opened beside the folder that is still in use.
func copyFolder(_ folder: String, to copy: String) throws {
    try FileManager.default.copyItem(atPath: folder, toPath: copy)
}

private struct NotInAFile: Error {}

/// Flips a bit in the middle of a copy, in its file, past the store.
func flipBit(of id: ObjectID, in store: SegmentStore) async throws {
    let object = try #require(try await store.read([id])[0])
    guard case .file(let extent) = object.bytes else { throw NotInAFile() }
    // The store's own descriptor may be for reading only; a path leads to one that is not.
    let descriptor = open("/proc/self/fd/\(extent.descriptor)", O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    let place = off_t(extent.offset) + off_t(extent.length / 2)
    var byte: UInt8 = 0
    try #require(pread(descriptor, &byte, 1, place) == 1)
    byte ^= 1
    try #require(pwrite(descriptor, &byte, 1, place) == 1)
    withExtendedLifetime(extent.owner) {}
}
