import DepotCore
import Glibc
import Synchronization

/// Segments that are open for reading. A process may have only so many files open, and a disk may
/// have many more segments.
final class SegmentFiles: Sendable {
    /// Well below the usual limit of 1,024 files a process, connections included.
    private static let openMax = 128

    private struct Cache {
        var files: [UInt32: SegmentFile] = [:]
        /// The longest unused first.
        var order: [UInt32] = []

        func checkInvariants() {
            assert(files.count == order.count, "a file is open and in no order, or the reverse")
            assert(order.count <= SegmentFiles.openMax, "too many files are open")
        }
    }

    private let folder: String
    private let cache = Mutex(Cache())

    init(folder: String) { self.folder = folder }

    /// - Returns: `nil` where it is gone, or the disk does not answer.
    func find(_ number: UInt32) throws(DepotError) -> (file: SegmentFile, bytes: UInt64)? {
        if let file = cached(number) {
            if case .there(let bytes) = try file.presence() { return (file, bytes) }
            forget(number)
        }
        guard case .there(let bytes) = try presence(of: number) else { return nil }
        guard let file = try SegmentFile.find(number, in: folder) else { return nil }
        cache.withLock { cache in
            if cache.files.updateValue(file, forKey: number) == nil { cache.order.append(number) }
            if cache.order.count > Self.openMax { cache.files[cache.order.removeFirst()] = nil }
            cache.checkInvariants()
        }
        return (file, bytes)
    }

    /// A file that was found just before. It is looked for again only if it was closed meanwhile.
    func found(_ number: UInt32) throws(DepotError) -> SegmentFile? {
        if let file = cached(number) { return file }
        return try find(number)?.file
    }

    /// For reading from the disk itself; `nil` where `find` has nothing.
    func reader(_ number: UInt32) throws(DepotError) -> ColdReader? {
        guard let found = try find(number) else { return nil }
        return try ColdReader.open(found.file)
    }

    func presence(of number: UInt32) throws(DepotError) -> SegmentFile.Presence {
        try SegmentFile.presence(of: number, in: folder)
    }

    private func cached(_ number: UInt32) -> SegmentFile? {
        cache.withLock { cache in
            guard let file = cache.files[number] else { return nil }
            cache.order.removeAll { $0 == number }
            cache.order.append(number)
            cache.checkInvariants()
            return file
        }
    }

    /// Forgets a segment that is to be unlinked. Readers that have it keep it open.
    func forget(_ number: UInt32) {
        cache.withLock { cache in
            cache.files[number] = nil
            cache.order.removeAll { $0 == number }
            cache.checkInvariants()
        }
    }
}
