import DepotCluster
import DepotCore

/// The records that replicas were found to hold, without their text: some 100 bytes for each, so
/// that a million files fit in memory.
struct RecordLedger {
    /// Of the same record in two batches, there are two.
    struct Entry {
        /// The SHA-256 of its text.
        let id: ChunkID
        let name: ChunkID
        let sequence: CommitSequence
        /// On how many replicas it is to be kept.
        let recordCopies: Int
        /// The number of its batch.
        fileprivate let batch: Int
    }

    private struct Batch {
        let id: ChunkID
        /// Bit by number of the replica.
        var holders: UInt64
        /// The same for those that list it, be their copy sound or not: its id is the hash of what
        /// it says.
        var namedBy: UInt64
    }

    /// Replicas that a ledger can tell apart.
    static let replicasMax = 64

    let replicas: [ReplicaID]
    private var entries: [Entry] = []
    private var batches: [Batch] = []
    private var places: [ChunkID: Int] = [:]
    private var unreadableNamedBy: [ChunkID: UInt64] = [:]

    init(replicas: [ReplicaID]) { self.replicas = replicas }

    /// Notes that a replica shows batches.
    ///
    /// - Returns: those whose text is not known yet.
    mutating func note(_ ids: [ChunkID], on number: Int) -> [ChunkID] {
        ids.filter { id in
            guard let place = places[id] else { return true }
            batches[place].holders |= 1 << number
            batches[place].namedBy |= 1 << number
            return false
        }
    }

    mutating func take(_ id: ChunkID, _ found: RecordReader.Found, on number: Int) {
        switch found {
        case .absent, .foreign: break
        case .unreadable: unreadableNamedBy[id, default: 0] |= 1 << number
        case .records(let batch):
            let others = unreadableNamedBy.removeValue(forKey: id) ?? 0
            let place = batches.count
            places[id] = place
            batches.append(
                Batch(id: id, holders: 1 << number, namedBy: 1 << number | others))
            entries += batch.records.map { record in
                Entry(
                    id: record.objectID.hash, name: record.nameHash, sequence: record.sequence,
                    recordCopies: record.level.recordCopies, batch: place)
            }
        }
    }

    /// The batch of an entry, and who holds that.
    func place(of entry: Entry) -> (batch: ChunkID, holders: [ReplicaID]) {
        let batch = batches[entry.batch]
        return (batch.id, replicas(in: batch.holders))
    }

    /// Those that say what an entry says, in whichever batch.
    ///
    /// - Parameter versions: of its name.
    func naming(_ entry: Entry, among versions: ArraySlice<Entry>) -> [ReplicaID] {
        replicas(
            in: versions.reduce(0) { $1.id == entry.id ? $0 | batches[$1.batch].namedBy : $0 })
    }

    private func replicas(in mask: UInt64) -> [ReplicaID] {
        replicas.indices.filter { mask & (1 << $0) != 0 }.map { replicas[$0] }
    }

    /// Gives the entries up: grouped by name, of each name the newest first.
    mutating func names() -> [ArraySlice<Entry>] {
        places = [:]
        entries.sort { left, right in
            if left.name != right.name { return left.name < right.name }
            return left.sequence == right.sequence
                ? left.id < right.id : left.sequence > right.sequence
        }
        var groups: [ArraySlice<Entry>] = []
        var start = 0
        for index in entries.indices where entries[index].name != entries[start].name {
            groups.append(entries[start..<index])
            start = index
        }
        if start < entries.count { groups.append(entries[start...]) }
        return groups
    }
}
