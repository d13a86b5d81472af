import DepotCore
import DepotTestSupport
import Glibc
import Synchronization
import Testing

@testable import DepotStore

/// One EMFILE marked a replica's store as failed until it was restarted.
@Suite struct DescriptorShortageTests {
    private final class Shortage: Sendable {
        let isOn = Atomic<Bool>(false)

        /// Where a file or folder has to be opened.
        func meets(_ operation: FileOperation, folders: Bool) -> Bool {
            guard isOn.load(ordering: .relaxed) else { return false }
            return switch operation {
            case .create: !folders
            case .syncFolder: folders
            default: false
            }
        }
    }

    @Test(arguments: [EMFILE, ENFILE], [false, true])
    func `a shortage of descriptors fails nothing for good`(code: Int32, folders: Bool)
        async throws
    {
        try await withFolder(inMemory: true) { folder in
            let shortage = Shortage()
            var configuration = smallSegments(8 << 10)
            configuration.operations = FileOperations { operation in
                shortage.meets(operation, folders: folders)
                    ? (-1, code) : FileOperations.system.perform(operation)
            }
            let store = try await SegmentStore.open(
                at: folder + "/store", configuration: configuration, logger: quiet)
            let objects = SampleObjects.chunks(0..<20, size: 1_500)
            shortage.isOn.store(true, ordering: .relaxed)
            await expectError(.busy) { try await store.put(objects) }
            shortage.isOn.store(false, ordering: .relaxed)
            #expect(try await store.standing().writable)
            #expect(
                try await store.putDurably(objects)
                    == objects.map { _ in .durable })
            await store.close()
        }
    }
}
