import DepotCore
import DepotTestSupport
import Testing

@testable import DepotStore

/// Makes transitions of a state at random, each only where a store would make it, and tells a model.
struct StoreStateDriver {
    static let identity = ReplicaIdentity(
        format: ReplicaIdentity.formatKnown, replica: .random(), membership: nil, opens: 1)
    private static let objects: [(MemberPath, ObjectID)] = (0..<10).compactMap { number in
        let hash = SampleObjects.chunk(UInt64(number)).id.hash
        let path: MemberPath =
            number < 7
            ? .chunk(hash)
            : .record(nameHash: hash, CommitSequence(epoch: 1, counter: UInt64(number)), hash)
        return path.objectID.map { (path, $0) }
    }
    private static let ids = objects.map(\.1)

    private(set) var state = StoreState<Int>(identity: identity, index: .init(), newest: 0)
    private var model = StoreStateModel()
    private var random: SeededGenerator
    private var members: [SegmentMember] = []
    private var sealedBytes: [UInt32: UInt64] = [:]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func some(_ ids: [ObjectID]) -> [ObjectID] {
        ids.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    }

    private mutating func one(in numbers: some Collection<UInt32>) -> UInt32? {
        numbers.sorted().randomElement(using: &random)
    }

    /// - Returns: what it did.
    mutating func step() -> String {
        switch Int.random(in: 0..<16, using: &random) {
        case 0..<4: put(some(Self.ids).filter { !model.isHeldWhole($0) })
        case 4: return "sync \(sync())"
        case 5: return "seal \(seal())"
        case 6: return "merge \(merge())"
        case 7: return "compact \(compact())"
        case 8: return "open segment vanished: \(vanish())"
        case 9: return "segment vanished: \(vanishSealed())"
        case 10..<12: return "delete \(delete())"
        case 12: condemn()
        case 13: find(isBad: true)
        case 14: find(isBad: false)
        default:
            if state.log.open == nil { state.skipped() }
            if Bool.random(using: &random) {
                state.spared(Self.ids)
                model.spare(Self.ids)
            }
        }
        return "done"
    }

    // MARK: The log

    private mutating func put(_ ids: [ObjectID]) {
        guard !ids.isEmpty else { return }
        state.spared(ids)
        model.spare(ids)
        append(ids)
    }

    private mutating func append(_ ids: [ObjectID]) {
        if state.log.open == nil { open() }
        guard let segment = state.log.open else { return }
        var added: [SegmentMember] = []
        for (path, id) in Self.objects where ids.contains(id) {
            let member = SegmentMember(
                path: path, offset: added.last?.end ?? state.log.end,
                length: Int.random(in: 1...2_000, using: &random))
            added.append(member)
            model.append(
                id,
                at: Location(
                    segment: segment.number, nonce: segment.nonce, offset: member.offset,
                    length: member.length))
        }
        members += added
        state.appended(added, listed: Set(model.index.keys))
    }

    private mutating func open() {
        let id = SegmentID(number: state.log.number, nonce: random.next() | 1)
        var identity = state.identityNext
        identity.segmentNewest = id
        state.identityWritten(identity)
        state.opened(Int(id.number), as: id)
    }

    private mutating func sync() -> Bool {
        state.synced(upTo: state.log.appended)
        return state.log.durable == state.log.appended
    }

    private mutating func seal() -> Bool {
        guard let open = state.log.open else { return false }
        let segment = SegmentIndex.Segment(
            number: open.number, nonce: open.nonce, bytes: state.log.end + 2_048,
            highestSequence: members.compactMap(\.path.sequence).max())
        sealedBytes[open.number] = segment.bytes
        state.sealed(SealedSegment(segment: segment, members: members, damaged: []))
        members = []
        return true
    }

    private mutating func vanish() -> Bool {
        guard let open = state.log.open else { return false }
        while merge() {}
        let lost = state.memtable.copies(in: open.number).map(\.id)
        let again = state.openSegmentVanished(listed: Set(lost).intersection(model.index.keys))
        model.loseOpen(open.number)
        members = []
        return again.allSatisfy(model.bad.contains)
    }

    // MARK: Sealed segments

    private mutating func merge() -> Bool {
        guard let oldest = state.segments.unmerged.first else { return false }
        model.merge(oldest)
        state.merged(oldest.segment.number)
        return true
    }

    private mutating func compact() -> Bool {
        guard let number = one(in: sealedBytes.keys), !state.segments.isUnmerged(number) else {
            return false
        }
        let live = model.live(in: number)
        append(live.filter { !model.bad.contains($0) })
        guard model.live(in: number).isEmpty else { return false }
        state.synced(upTo: state.log.appended)
        model.forget(number)
        model.lose(number)
        sealedBytes[number] = nil
        state.compacted(number)
        return true
    }

    private mutating func vanishSealed() -> Bool {
        guard let number = one(in: sealedBytes.keys), !state.segments.isUnmerged(number) else {
            return false
        }
        let lost = model.live(in: number)
        model.forget(number)
        model.remove(lost)
        model.lose(number)
        sealedBytes[number] = nil
        state.segmentVanished(number, losing: lost)
        return true
    }

    // MARK: Deletions and verdicts

    private mutating func condemn() {
        let (ids, token) = (some(Self.ids), CondemnToken(value: random.next()))
        if state.condemned(ids, by: token) { model.condemn(ids, token) }
    }

    private mutating func delete() -> [ObjectID] {
        guard let token = model.tokens.values.sorted(by: { $0.value < $1.value }).first else {
            return []
        }
        let ids = some(Self.ids)
        let counted = state.counted(ids, listed: ids.filter { model.index[$0] != nil })
        #expect(counted == model.held.intersection(ids))
        let (going, inMemtable) = state.deleting(ids, by: token)
        #expect(going == ids.filter { model.tokens[$0] == token })
        #expect(going.allSatisfy { state.location(of: $0) == nil })
        model.spare(going)
        if Int.random(in: 0..<4, using: &random) == 0 {
            state.notDeleted()
        } else {
            model.forget(going, buried: inMemtable, in: state.unmergedParts)
            model.remove(going)
            state.deleted(counted: counted)
        }
        return going
    }

    private mutating func find(isBad: Bool) {
        let ids = some(model.held.sorted())
        if isBad {
            state.quarantined(ids)
        } else {
            let healed = Set(state.healed(ids))
            #expect(healed == model.bad.intersection(ids))
        }
        for id in ids { model.mark(id, isBad: isBad) }
    }

    // MARK: Comparing

    func compare(_ what: String) {
        let what = Comment(rawValue: what)
        var found: [ObjectID: Location] = [:]
        let unknown = state.find(Self.ids, into: &found)
        for id in unknown { found[id] = model.index[id] }
        #expect(found == Dictionary(uniqueKeysWithValues: live), what)
        #expect(state.quarantine.objects.intersection(model.held) == model.bad, what)
        #expect(state.chunks == model.held.count { $0.kind == .chunk }, what)
        #expect(state.segments.bytes == sealedBytes.values.reduce(0, +), what)
        let both = Set(model.index.keys).filter { state.memtable.holds($0) }
        #expect(state.memtable.shadowed.isSuperset(of: both), what)
        let hidden = model.index.filter { !state.hidesIndexed($0.key) }
        #expect(hidden.allSatisfy { model.live($0.key) == $0.value }, what)
        #expect(state.log.durable <= state.log.appended, what)
    }

    private var live: [(ObjectID, Location)] {
        Self.ids.compactMap { id in model.live(id).map { (id, $0) } }
    }
}
