import DepotCluster
import DepotCore

/// The records that replicas were found to hold, without their text: some 150 bytes for each, so
/// that a million files fit in memory. Their text is read again when their turn comes.
struct RecordLedger {
    struct Entry {
        let id: ChunkID
        let name: ChunkID
        let sequence: CommitSequence
        /// On how many replicas it is to be kept.
        let recordCopies: Int
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
    private var places: [ChunkID: Int] = [:]
    /// Records of which no sound copy was found so far.
    var unreadable: [ChunkID] { Array(unreadableNamedBy.keys) }
    private var unreadableNamedBy: [ChunkID: UInt64] = [:]
    private(set) var foreign: Set<ChunkID> = []

    init(replicas: [ReplicaID]) { self.replicas = replicas }

    var count: Int { entries.count }

    /// Notes that a replica shows records.
    ///
    /// - Returns: those whose text is not known yet.
    mutating func note(_ ids: [ChunkID], on number: Int) -> [ChunkID] {
        ids.filter { id in
            guard let place = places[id] else { return true }
            entries[place].holders |= 1 << number
            entries[place].namedBy |= 1 << number
            return false
        }
    }

    mutating func take(_ id: ChunkID, _ found: RecordReader.Found, on number: Int) {
        switch found {
        case .absent: break
        case .unreadable: unreadableNamedBy[id, default: 0] |= 1 << number
        case .foreign: foreign.insert(id)
        case .record(let record):
            let others = unreadableNamedBy.removeValue(forKey: id) ?? 0
            places[id] = entries.count
            entries.append(
                Entry(
                    id: id, name: record.nameHash, sequence: record.sequence,
                    recordCopies: record.level.recordCopies, holders: 1 << number,
                    namedBy: 1 << number | others))
        }
    }

    func holders(of entry: Entry) -> [ReplicaID] { replicas(in: entry.holders) }

    /// Those that say so.
    func naming(_ entry: Entry) -> [ReplicaID] { replicas(in: entry.namedBy) }

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
