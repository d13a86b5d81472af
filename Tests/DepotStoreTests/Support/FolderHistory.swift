import DepotCore
import DepotStore
import DepotTestSupport
import FoundationEssentials
import GRDB

/// What a replica's folder held at moments of its life, and how it ended: stopped, and killed.
struct FolderHistory {
    /// Three to a segment.
    static let objects = SampleObjects.chunks(0..<12, size: 1_500)
    /// One that was deleted at the end, and some whose only copies are known to be bad then.
    static let deleted = 3
    static let bad: Set = [0, 11]
    static let cluster = ClusterID.random()

    static var configuration: SegmentStoreConfiguration {
        var configuration = smallSegments(1 << 20)
        configuration.segmentMembersMax = 3
        return configuration
    }

    struct Moment {
        /// Of its folder; says what has happened.
        let name: String
        let knownBad: Set<Int>
    }

    private(set) var moments: [Moment] = []
    private var knownBad: Set<Int> = []
    let folder: String
    static let stopped = "at the end, stopped"
    static let killed = "at the end, killed"
    /// Of the last position that anybody has seen.
    private(set) var position = LogPosition(opens: 0, segment: 0, offset: 0)

    init(in folder: String) async throws {
        self.folder = folder
        let path = folder + "/live"
        try await withStore(at: path, Self.configuration) { store in
            try note("opened", path)
            _ = try await store.adopt(Self.membership(epoch: 1))
            try await put(0..<2, store)
            try note("two in segment 1", path)
            try await put(2..<5, store)
            try await takeLogIn(path)
            try note("two in segment 2", path)
            try await put(5..<7, store)
            try note("one in segment 3", path)
            try await spoil(1, store)
            try note("a bad copy in segment 1", path)
            try await put(1..<2, store)
            try await takeLogIn(path)
            try note("its good one in segment 3", path)
            try await put(7..<8, store)
        }
        try note("stopped once", path)
        try await withStore(at: path, Self.configuration) { store in
            _ = try await store.adopt(Self.membership(epoch: 2))
            try await put(8..<10, store)
            let gone = [Self.objects[Self.deleted].id]
            _ = try await store.delete(gone, token: try await store.condemn(gone))
            try await takeLogIn(path)
            try note("one deleted from segment 2", path)
            _ = try await store.compact(try await store.allSegments()[1].id)
            try note("segment 2 compacted", path)
            try await spoil(0, store)
            try await put(10..<12, store)
            for index in [2, 11] { try await spoil(index, store) }
            try note("bad copies in segments 1 and 5", path)
            try await takeLogIn(path)
            try await put(2..<3, store)
            position = try await store.standing().position
            try copyFolder(path, to: "\(folder)/\(Self.killed)")
        }
        try copyFolder(path, to: "\(folder)/\(Self.stopped)")
        // Sealed in a copy of the folder with less in it than in the folder itself.
        try copyFolder("\(folder)/one in segment 3", to: folder + "/copy")
        try await withStore(at: folder + "/copy", Self.configuration) { _ in }
        knownBad = []
        try note("a copy that was opened elsewhere", folder + "/copy")
    }

    private mutating func put(_ range: Range<Int>, _ store: SegmentStore) async throws {
        for object in Self.objects[range] { _ = try await store.putDurably([object]) }
        knownBad.subtract(range)
    }

    /// Makes a copy bad, and has that found.
    private mutating func spoil(_ index: Int, _ store: SegmentStore) async throws {
        try await flipBit(of: Self.objects[index].id, in: store)
        _ = try await store.check([Self.objects[index].id])
        knownBad.insert(index)
    }

    /// Has the index's write-ahead log written into the index itself, as SQLite does where the log is long.
    private func takeLogIn(_ path: String) async throws {
        let index = try DatabaseQueue(path: path + "/index.sqlite")
        try await index.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try index.close()
    }

    private mutating func note(_ moment: String, _ path: String) throws {
        try copyFolder(path, to: "\(folder)/\(moment)")
        moments.append(Moment(name: moment, knownBad: knownBad))
    }

    static func membership(epoch: UInt32) -> ClusterMembership {
        ClusterMembership(cluster: cluster, epoch: epoch, members: [])
    }
}
