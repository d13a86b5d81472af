import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

/// The power is cut after every single change of the folder. Whatever part of what no sync has
/// covered is left, the store opens, has all that it vouched for, and nothing that is wrong or was
/// never put.
@Suite struct CrashImageTests {
    enum Scenario: String, CaseIterable, CustomTestStringConvertible {
        case firstOpening = "the first opening of a folder"
        case adoption = "joining a cluster"
        case puts = "puts and vouches over several segments"
        case deletions = "deletions, and puts of what was deleted"
        case compactions = "compactions"
        case restarts = "restarts, with an open segment left behind"
        case mix = "a mix of everything"

        var testDescription: String { rawValue }
    }

    static let cases = Scenario.allCases.flatMap { scenario in
        Seeds.few(1...(Seeds.isThorough ? 2 : 1)).map { (scenario, $0) }
    }

    @Test(arguments: cases)
    func `a power cut takes nothing that was vouched for and leaves nothing torn`(
        _ scenario: Scenario, seed: UInt64
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            let root = folder + "/disk"
            try FileManager.default.createDirectory(
                atPath: root, withIntermediateDirectories: true)
            var generator = SeededGenerator(seed: seed)
            let first: CrashExpectations
            if scenario == .restarts {
                first = try await leaveOpenSegment(in: root, &generator)
            } else {
                first = CrashExpectations()
            }
            let before = try DiskModel(contentsOf: root)
            let subject = try await CrashSubject.open(in: root, first)
            do {
                try await run(scenario, subject, &generator)
            } catch {
                Issue.record("\(error); \(Seeds.replay(seed, "CrashImageTests"))")
            }
            await subject.store.close()
            let images = CrashImages(
                subject: subject, before: before, seed: seed,
                replay: Seeds.replay(seed, "CrashImageTests"))
            try await images.check(in: folder + "/images")
        }
    }

    /// What a killed store leaves.
    private func leaveOpenSegment(
        in root: String, _ generator: inout SeededGenerator
    ) async throws -> CrashExpectations {
        try FileManager.default.createDirectory(
            atPath: root + "/first", withIntermediateDirectories: true)
        let subject = try await CrashSubject.open(in: root + "/first")
        for _ in 0..<4 { try await subject.putDurably(objects(3, &generator)) }
        try await subject.put(objects(2, &generator))
        try copyFolder(root + "/first/a", to: root + "/a")
        let left = subject.expected(after: subject.recorder.count)
        await subject.store.close()
        try FileManager.default.removeItem(atPath: root + "/first")
        return left
    }

    private func run(
        _ scenario: Scenario, _ subject: CrashSubject, _ generator: inout SeededGenerator
    ) async throws {
        switch scenario {
        case .firstOpening: break
        case .adoption:
            let cluster = ClusterID.random()
            for epoch in 1...3 as ClosedRange<UInt32> {
                try await subject.adopt(
                    ClusterMembership(cluster: cluster, epoch: epoch, members: [.random()]))
                try await subject.putDurably(objects(1, &generator))
            }
        case .puts:
            for _ in 0..<4 {
                try await subject.put(objects(2, &generator))
                try await subject.putDurably(objects(2, &generator))
            }
        case .deletions:
            let first = objects(9, &generator)
            try await subject.putDurably(first)
            try await subject.delete(first.prefix(5).map(\.id))
            try await subject.putDurably(Array(first.prefix(2)) + objects(4, &generator))
            try await subject.delete(first.suffix(3).map(\.id))
        case .compactions:
            let first = objects(10, &generator)
            try await subject.putDurably(first)
            try await subject.delete(first.enumerated().filter { $0.0 % 3 > 0 }.map(\.1.id))
            try await subject.compact()
            try await subject.putDurably(objects(2, &generator))
        case .restarts: try await subject.putDurably(objects(2, &generator))
        case .mix: try await mix(subject, &generator)
        }
    }

    private func mix(_ subject: CrashSubject, _ generator: inout SeededGenerator) async throws {
        var put: [VerifiedObject] = []
        for _ in 0..<9 {
            switch generator.next() % 8 {
            case 0: try await subject.compact()
            case 1, 2:
                let going = put.filter { _ in generator.next().isMultiple(of: 3) }
                put.removeAll { object in going.contains { $0.id == object.id } }
                try await subject.delete(going.map(\.id))
            case 3: try await subject.put(objects(1, &generator))
            default:
                let new = objects(2, &generator)
                put += new
                try await subject.putDurably(new)
            }
        }
    }

    private func objects(
        _ count: Int, _ generator: inout SeededGenerator
    ) -> [VerifiedObject] {
        (0..<count).map { _ in
            SampleObjects.chunk(generator.next(), size: 1 + Int(generator.next() % 3_000))
        }
    }
}
