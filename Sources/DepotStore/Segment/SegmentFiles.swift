import DepotCore
import Glibc
import Synchronization

/// Segments that are open for reading. A process may have only so many files open, a disk many more segments.
final class SegmentFiles: Sendable {
    /// Well below the usual limit of 1,024 files a process, connections included.
    private static let openMax = 128

    private struct Cache {
        var files: [UInt32: SegmentFile] = [:]
        /// The longest unused first.
        var order: [UInt32] = []
    }

    private let folder: String
    private let cache = Mutex(Cache())

    init(folder: String) { self.folder = folder }

    func file(_ number: UInt32) throws(DepotError) -> SegmentFile {
        let cached = cache.withLock { cache in
            guard let file = cache.files[number] else { return nil as SegmentFile? }
            cache.order.removeAll { $0 == number }
            cache.order.append(number)
            return file
        }
        if let cached { return cached }
        let file = try SegmentFile.open(in: folder, number: number, flags: O_RDONLY)
        cache.withLock { cache in
            cache.files[number] = file
            cache.order.append(number)
            if cache.order.count > Self.openMax { cache.files[cache.order.removeFirst()] = nil }
        }
        return file
    }

    /// Lets go of a segment that is to be unlinked; readers that have it keep it.
    func forget(_ number: UInt32) {
        cache.withLock { cache in
            cache.files[number] = nil
            cache.order.removeAll { $0 == number }
        }
    }
}
