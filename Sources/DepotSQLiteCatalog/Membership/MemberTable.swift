import DepotCore
import DepotSQLite
import GRDB

// A member's copies are a bit in the masks of chunks and pins. The bit is no name of the member:
// it says "vouched for since this bit is the member's". When the member's log goes back it gets
// another bit, and all that the old one says is unproved from then on; when it is forgotten, its
// bits say nothing. Both are one row, however many copies there are. `FormerBits` clears such bits
// later, and only then another member may have them.

/// Which number and which bits stand for which replica. The number is half a key of what is kept by
/// row: verdicts, records, segments. What is under a number outlives its member, see `FormerNumbers`.
struct MemberTable {
    /// Masks have 64 bits, and the sign is left alone.
    static let countMax = 63

    private(set) var numbers: [ReplicaID: Int] = [:]
    private(set) var replicas: [Int: ReplicaID] = [:]
    /// Those of members that were forgotten, which nobody may have yet.
    private(set) var formerNumbers: Set<Int> = []
    /// The bits that members have now.
    private(set) var current = CopyMask.none
    /// These, and those that members had before their logs went back.
    private(set) var known = CopyMask.none
    /// These, and those of forgotten members.
    private(set) var taken = CopyMask.none
    /// By bit.
    private var owners: [Int: Int] = [:]
    private var currentBits: [Int: CopyMask] = [:]
    private var allBits: [Int: CopyMask] = [:]

    init(_ session: Session) throws {
        try session.statement("SELECT id, replica, bit FROM member").visit { row in
            let number = try row.get(0, as: Int.self)
            guard (0..<Self.countMax).contains(number) else {
                throw Self.damage("a member has the number \(number)")
            }
            let replica = try row.get(1, as: ReplicaID.self)
            numbers[replica] = number
            replicas[number] = replica
            let bit = try take(row.get(2), of: number)
            current |= bit
            currentBits[number] = bit
            return true
        }
        try session.statement("SELECT bit, member FROM former_bit").visit { row in
            _ = try take(row.get(0), of: row.get(1, as: Int?.self))
            return true
        }
        try session.statement("SELECT number FROM former_number").visit { row in
            let number = try row.get(0, as: Int.self)
            guard (0..<Self.countMax).contains(number), replicas[number] == nil else {
                throw Self.damage("the number \(number) is a former one, and it is a member's")
            }
            formerNumbers.insert(number)
            return true
        }
    }

    private mutating func take(_ number: Int, of member: Int?) throws -> CopyMask {
        guard (0..<Self.countMax).contains(number), (taken & .bit(number)).isEmpty else {
            throw Self.damage("the bit \(number) stands for two members, or for none")
        }
        let bit = CopyMask.bit(number)
        taken |= bit
        guard let member else { return bit }
        guard replicas[member] != nil else { throw Self.damage("a bit of the member \(member)") }
        known |= bit
        owners[number] = member
        allBits[member, default: .none] |= bit
        return bit
    }

    private static func damage(_ what: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: what)
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
            throw Self.damage("a copy of the unknown member \(number)")
        }
        return replica
    }

    /// Who has what a row says that names a member; `nil` for one that was forgotten.
    ///
    /// - Throws: where it is neither's.
    func holder(_ number: Int) throws -> ReplicaID? {
        formerNumbers.contains(number) ? nil : try replica(number)
    }

    /// The lowest number under which there is nothing; `nil` where all are taken.
    var free: Int? {
        (0..<Self.countMax).first { replicas[$0] == nil && !formerNumbers.contains($0) }
    }

    /// A bit by the number of each: for what is kept by row.
    func numberMask(of replicas: some Sequence<ReplicaID>) -> UInt64 {
        replicas.reduce(0) { mask, replica in
            numbers[replica].map { mask | 1 << UInt64($0) } ?? mask
        }
    }

    // MARK: Bits

    /// The lowest bit that stands for nobody, and is in no mask; `nil` where there is none.
    var freeBit: Int? { (0..<Self.countMax).first { (taken & .bit($0)).isEmpty } }

    /// The bit that stands for a member's good copies.
    func bit(of number: Int) -> CopyMask { currentBits[number] ?? .none }

    /// All bits that say something of a member's copies.
    func bits(of number: Int) -> CopyMask { allBits[number] ?? .none }

    /// Members that had other bits before, with the bit of each.
    var former: [(bits: CopyMask, bit: CopyMask)] {
        guard known != current else { return [] }
        return currentBits.keys.sorted().compactMap { number in
            let former = bits(of: number).without(bit(of: number))
            return former.isEmpty ? nil : (former, bit(of: number))
        }
    }

    /// The member whose copy a bit of a mask stands for; `nil` for one that was forgotten.
    ///
    /// - Throws: for a bit that is in no mask.
    func owner(ofBit bit: Int) throws -> Int? {
        guard !(taken & .bit(bit)).isEmpty else {
            throw Self.damage("a copy of the unknown bit \(bit)")
        }
        return owners[bit]
    }

    /// The bits of good copies. Replicas that are no members are left out.
    func mask(of replicas: some Sequence<ReplicaID>) -> CopyMask {
        replicas.reduce(into: .none) { mask, replica in
            if let number = numbers[replica] { mask |= bit(of: number) }
        }
    }
}
