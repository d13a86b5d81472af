import DepotCluster
import DepotCore

// A record is small, and whoever can write to one disk can write one: with a higher sequence than
// any other it would replace the file of its name, or bury it, on one replica's word. What was
// acknowledged is on a majority of the replicas that keep its record. So before a rebuild changes
// anything, all records are read once, and a name whose newest word has no such majority is told
// of: it may be forged, or be honest all the same, where the others that kept it are away or have
// lost their disks. Only the operator can know, and says so.

/// A name whose newest word is a minority's.
public struct MinorityWord: Sendable, Codable {
    public let name: FileName
    public let sequence: CommitSequence
    /// Whether it says that the file was deleted.
    public let isDeletion: Bool
    /// The replicas that say so, by name, and how many of those that keep its record would do.
    public let saidBy: [String]
    public let majority: Int
    /// The replicas that know the name and not this word; each with the newest that it knows.
    public let otherwise: [String: CommitSequence]
}

/// Reads what replicas say of names. Changes nothing.
struct RecordSurvey: Sendable {
    /// Entries of one page of an inventory.
    private static let pageSize = 10_000

    let pool: ReplicaPool
    let replicas: [ReplicaID]
    /// How many members the cluster has, those that are away included.
    let members: Int

    struct Findings: Sendable {
        var count = 0
        var listed: [MinorityWord] = []
        /// The highest sequence of all records.
        var newest: CommitSequence?
    }

    func run() async throws(DepotError) -> Findings {
        var ledger = RecordLedger(replicas: replicas)
        for (number, replica) in replicas.enumerated() {
            try await read(replica, number: number, into: &ledger)
        }
        var findings = Findings()
        for versions in ledger.names() {
            findings.note(versions.first?.sequence)
            guard let newest = versions.first,
                ledger.naming(newest, among: versions).count < majority(of: newest)
            else { continue }
            findings.count += 1
            guard findings.listed.count < RebuildReport.listedMax,
                let word = try await describe(newest, among: versions, of: ledger)
            else { continue }
            findings.listed.append(word)
        }
        return findings
    }

    /// Behind the last chunk an inventory has records alone.
    private func read(
        _ replica: ReplicaID, number: Int, into ledger: inout RecordLedger
    ) async throws(DepotError) {
        let reader = RecordReader(pool: pool)
        var cursor = ObjectID.chunk(.last)
        while true {
            let after = cursor
            let page = try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                try await link.inventory(after: after, limit: Self.pageSize)
            }
            guard let last = page.last else { return }
            let records = page.map(\.id).filter { $0.kind == .record }.map(\.hash)
            for batch in ledger.note(records, on: number).batches(of: RecordReader.batchSize) {
                let found = try await reader.read(Array(batch), from: replica)
                for (id, found) in zip(batch, found) { ledger.take(id, found, on: number) }
            }
            cursor = last.id
        }
    }

    private func majority(of entry: RecordLedger.Entry) -> Int {
        min(entry.recordCopies, members) / 2 + 1
    }

    private func describe(
        _ newest: RecordLedger.Entry, among versions: ArraySlice<RecordLedger.Entry>,
        of ledger: RecordLedger
    ) async throws(DepotError) -> MinorityWord? {
        let saying = ledger.naming(newest, among: versions)
        var otherwise: [String: CommitSequence] = [:]
        for version in versions.dropFirst() {
            for replica in ledger.naming(version, among: versions) where !saying.contains(replica) {
                let name = pool.name(of: replica)
                otherwise[name] = max(otherwise[name] ?? version.sequence, version.sequence)
            }
        }
        let place = ledger.place(of: newest)
        for holder in place.holders {
            guard
                case .records(let batch) = try await RecordReader(pool: pool)
                    .read([place.batch], from: holder).first,
                let record = batch.records.first(where: { $0.sequence == newest.sequence })
            else { continue }
            return MinorityWord(
                name: record.name, sequence: record.sequence, isDeletion: record.isDeletion,
                saidBy: saying.map(pool.name(of:)).sorted(), majority: majority(of: newest),
                otherwise: otherwise)
        }
        return nil
    }
}

extension RecordSurvey.Findings {
    fileprivate mutating func note(_ sequence: CommitSequence?) {
        newest = [newest, sequence].compactMap { $0 }.max()
    }

    /// So many are named in a refusal.
    private static let namedMax = 20

    /// - Throws: `conflict` where there are any.
    func require(acceptMinority: Bool) throws(DepotError) {
        guard count > 0, !acceptMinority else { return }
        let names = listed.prefix(Self.namedMax).map { "\n  \($0.description)" }.joined()
        let more = count > Self.namedMax ? "\n  … and \(count - Self.namedMax) more" : ""
        throw DepotError(
            .conflict,
            "of \(count == 1 ? "a name" : "\(count) names") only a minority of the replicas gives "
                + "the newest word; nothing was changed. If it is right (the others were away, or "
                + "lost their disks), say --accept-minority; if a replica is not to be believed, "
                + "leave it out with --accept-missing:"
                + names + more)
    }
}

extension MinorityWord: CustomStringConvertible {
    /// `a/b 00000001-0000000000000007 (deleted): said by r3, 2 are needed; otherwise r1 (…)`
    public var description: String {
        let others = otherwise.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
        return "\(name) \(sequence)\(isDeletion ? " (deleted)" : ""): said by "
            + "\(saidBy.joined(separator: ", ")), \(majority) are needed; "
            + (others.isEmpty
                ? "no other knows the name"
                : "otherwise " + others.joined(separator: ", "))
    }
}

extension FileRecord {
    fileprivate var isDeletion: Bool {
        if case .deleted = content { true } else { false }
    }
}
