import DepotCore
import DepotSQLite
import GRDB

/// One transaction, or one consistent view, and what is known in it. Lives on one thread.
final class Session {
    let database: Database
    /// The catalog's running time in milliseconds.
    let now: Int64
    /// Counts the transactions that changed something; a mark is one of these.
    let tick: UInt64
    private var loadedMembers: MemberTable?

    init(database: Database, now: Int64, tick: UInt64) {
        self.database = database
        self.now = now
        self.tick = tick
    }

    func statement(_ sql: String) throws -> SQLStatement { try SQLStatement(database, sql) }

    /// The numbers that members have in this catalog.
    func members() throws -> MemberTable {
        if let loadedMembers { return loadedMembers }
        let loaded = try MemberTable(self)
        loadedMembers = loaded
        return loaded
    }

    func membersChanged() { loadedMembers = nil }
}

/// Which number stands for which replica: a bit of a mask, and half a key of holdings.
struct MemberTable {
    /// Copies that were vouched for are a 64-bit mask, whose sign is left alone.
    static let countMax = 63

    private(set) var numbers: [ReplicaID: Int] = [:]
    private(set) var replicas: [Int: ReplicaID] = [:]

    init(_ session: Session) throws {
        try session.statement("SELECT id, replica FROM member").visit { row in
            let number = try row.get(0, as: Int.self)
            let replica = try row.get(1, as: ReplicaID.self)
            numbers[replica] = number
            replicas[number] = replica
            return true
        }
    }

    func number(of replica: ReplicaID) throws(DepotError) -> Int {
        guard let number = numbers[replica] else {
            throw DepotError(
                .notFound, "no member of the cluster is this replica; admit it first",
                object: replica.description)
        }
        return number
    }

    func replica(_ number: Int) throws -> ReplicaID {
        guard let replica = replicas[number] else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "a holding of the unknown member \(number)")
        }
        return replica
    }

    /// Replicas that are no members are left out.
    func mask(of replicas: some Sequence<ReplicaID>) -> UInt64 {
        replicas.reduce(0) { mask, replica in
            numbers[replica].map { mask | 1 << UInt64($0) } ?? mask
        }
    }
}
