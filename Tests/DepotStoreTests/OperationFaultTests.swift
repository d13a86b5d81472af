import DepotCore
import DepotTestSupport
import Testing

@testable import DepotStore

/// Of every operation each change of the folder fails in its turn: always the first and the last,
/// and of those between them a part, or all in a thorough run.
@Suite struct OperationFaultTests {
    enum Operation: String, CaseIterable, CustomTestStringConvertible {
        case opening, put, vouch, seal, delete, compact, adopt

        var testDescription: String { rawValue }
    }

    static let cases = Operation.allCases.flatMap { operation in
        OperationFaults.Kind.allCases.flatMap { kind in
            [(operation, kind, false), (operation, kind, true)]
        }
    }

    private static let objects = SampleObjects.chunks(0..<14, size: 1_500)
    private static let gone = objects[2..<5].map(\.id)
    private static let fresh = SampleObjects.chunks(50..<58, size: 1_500)
    private static let membership = ClusterMembership(cluster: .random(), epoch: 1, members: [])

    private static var expected: CrashExpectations {
        var expected = CrashExpectations()
        for object in objects + fresh { expected.known[object.id] = object.contiguous }
        expected.durable = Set(objects.map(\.id)).subtracting(gone)
        expected.memberships = [nil, membership]
        return expected
    }

    @Test(arguments: cases)
    func `an operation that meets a failure says so and loses nothing`(
        _ operation: Operation, kind: OperationFaults.Kind, isLasting: Bool
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            let base = folder + "/base"
            let store = try await SegmentStore.open(
                at: base, configuration: smallSegments(8 << 10), logger: quiet)
            _ = try await store.putDurably(Self.objects)
            let token = try await store.condemn(Self.gone)
            _ = try await store.delete(Self.gone, token: token)
            // As a kill leaves it, so that opening has something to recover.
            try copyFolder(base, to: folder + "/killed")
            await store.close()
            func failing(_ first: Int) async throws -> (hits: Int, changes: Int) {
                let copy = "\(folder)/\(first)"
                try copyFolder(folder + (operation == .opening ? "/killed" : "/base"), to: copy)
                let plan = OperationFaults.Plan(kind: kind, first: first, isLasting: isLasting)
                let done = try await run(operation, plan, at: copy)
                try await Self.expected.check(
                    copy, "failure \(first) of \(operation), \(kind); \(Self.replay)")
                return done
            }
            let changes = try await failing(.max).changes
            #expect(changes > 0 || operation == .delete || kind == .shortWrite)
            for first in Self.sample(changes) {
                #expect(try await failing(first).hits > 0, "\(first) of \(changes)")
            }
        }
    }

    private static let seed = Seeds.few(1...1)[0]
    private static var replay: String { Seeds.replay(seed, "OperationFaultTests") }

    private static func sample(_ count: Int) -> [Int] {
        var generator = SeededGenerator(seed: seed)
        return Array(1..<count + 1).filter { number in
            let isChosen = generator.next().isMultiple(of: 5)
            return isChosen || Seeds.isThorough || number == 1 || number == count
        }
    }

    private func run(
        _ operation: Operation, _ plan: OperationFaults.Plan, at folder: String
    ) async throws -> (hits: Int, changes: Int) {
        let faults = OperationFaults()
        var configuration = smallSegments(8 << 10)
        configuration.operations = faults.operations
        func open() async throws -> SegmentStore {
            try await SegmentStore.open(at: folder, configuration: configuration, logger: quiet)
        }
        let what: Comment = "failure \(plan.first) of \(operation)"
        if operation == .opening {
            faults.arm(plan)
            let error = await failure(what) { await (try open()).close() }
            let hits = faults.disarm()
            #expect(error == nil || hits > 0, what)
            let changes = faults.count
            if error != nil { await (try open()).close() }
            return (hits, changes)
        }
        let store = try await open()
        if operation == .vouch { try await store.put(Array(Self.fresh.prefix(1))) }
        faults.arm(plan)
        let error = await failure(what) { try await perform(operation, store) }
        let hits = faults.disarm()
        let changes = faults.count
        #expect(error == nil || hits > 0, what)
        if error?.code == .storeFailed {
            #expect(try await store.standing().writable == false, what)
            await expectError(.storeFailed, what) { try await store.put(Self.fresh) }
            await expectError(.storeFailed, what) { _ = try await store.vouch(for: Self.gone) }
            await expectError(.storeFailed, what) { _ = try await store.condemn(Self.gone) }
        } else {
            // With room again, or after a failure that did no harm, the same works at once.
            try await perform(operation, store)
            #expect(try await store.putDurably(Self.fresh).allSatisfy { $0 == .durable }, what)
        }
        #expect(try await store.bytes(of: Self.objects[0].id) == Self.objects[0].contiguous, what)
        await store.close()
        #expect(faults.syncsAfterFailure == 0, what)
        return (hits, changes)
    }

    private func perform(_ operation: Operation, _ store: SegmentStore) async throws {
        switch operation {
        case .opening: break
        case .put: try await store.put(Array(Self.fresh.prefix(2)))
        case .vouch:
            let vouches = try await store.vouch(for: [Self.fresh[0].id])
            #expect(vouches == [.durable])
        case .seal:
            for object in Self.fresh { try await store.put([object]) }
        case .delete:
            let ids = [Self.fresh[7].id]
            let token = try await store.condemn(ids)
            #expect(try await store.delete(ids, token: token) == ids)
        case .compact:
            for segment in try await store.segments(after: nil, limit: 100) where segment.isSealed {
                _ = try await store.compact(segment.id)
            }
        case .adopt: _ = try await store.adopt(Self.membership)
        }
    }

    /// The error of an operation that may fail, in one of two ways only.
    private func failure(
        _ what: Comment, _ body: () async throws -> Void
    ) async -> DepotError? {
        do {
            try await body()
            return nil
        } catch let error as DepotError {
            #expect([.storageFull, .storeFailed].contains(error.code), "\(error) \(what)")
            return error
        } catch {
            Issue.record("\(error) \(what)")
            return nil
        }
    }
}
