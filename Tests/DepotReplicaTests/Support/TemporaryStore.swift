import DepotCore
import DepotStore
import FoundationEssentials
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A folder that is gone when `body` is done.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("depot-replica-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// What a kill leaves, to be opened beside the folder that is still in use.
func copyFolder(_ folder: String, to copy: String) throws {
    try FileManager.default.copyItem(atPath: folder, toPath: copy)
}

func openStore(at folder: String) async throws -> SegmentStore {
    var configuration = SegmentStoreConfiguration()
    // So that a few chunks fill a segment.
    configuration.segmentSize = 256 << 10
    return try await SegmentStore.open(at: folder, configuration: configuration, logger: quiet)
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
