import DepotCore
import DepotTestSupport
import Testing

@testable import DepotSQLiteCatalog

/// What clocks do must decide nothing: not the one on the wall, which anybody can set, and not the running one, which
/// begins anew when the machine does.
@Suite struct ClockTests {
    private static let days400 = Duration.seconds(400 * 86_400)

    /// What the wall clock said before and after it was set, in seconds since 1970.
    struct Setting: Sendable {
        let before: Int64
        let after: Int64
    }

    private static let today: Int64 = 1_800_000_000
    private static let settings: [Setting] = [
        Setting(before: today, after: today - 400 * 86_400),
        Setting(before: today, after: today + 3_653 * 86_400),
        Setting(before: 0, after: .max), Setting(before: 0, after: .min),
    ]

    @Test(arguments: settings)
    func `the clock on the wall decides no order and no age`(
        _ setting: Setting
    ) async throws {
        try await withCatalog { fixture in
            try await fixture.admit(1...2)
            let on = CatalogFixture.replicas(1...2)
            let (before, after) = (setting.before, setting.after)
            let deposit = try await fixture.open(level: 2)
            var sequences: [CommitSequence] = []
            for (index, time) in [before, after].enumerated() {
                let chunks = try CatalogFixture.chunks(index..<index + 1)
                try await fixture.prepare(chunks, on: on, in: deposit)
                let commit = try CatalogFixture.commit("file \(index)", chunks)
                sequences.append(
                    try await fixture.outcome(commit, in: deposit, copies: 2, time: time).receipt
                        .sequence)
            }
            #expect(sequences[0] < sequences[1])
            let segments = (1...2).map { SegmentID(number: $0, nonce: 1) }
            try await fixture.catalog.noteSegments(
                segments.map {
                    SegmentInfo(id: $0, bytes: 1, liveBytes: 1, liveCopies: 1, isSealed: true)
                }, of: CatalogFixture.replica(1))
            for (segment, time) in zip(segments, [before, after]) {
                fixture.advance(.seconds(1))
                try await fixture.catalog.noteScrub(
                    of: segment, on: CatalogFixture.replica(1), bytes: 1, copies: 1, problems: 0,
                    time: time)
            }
            let checks = try await fixture.catalog.segmentChecks(on: CatalogFixture.replica(1))
            #expect(checks.map(\.segment) == segments)
            #expect(checks.map(\.age) == [.seconds(1), .zero])
            // The lease lives by the running time alone.
            fixture.advance(CatalogFixture.lease - .seconds(3))
            try await fixture.catalog.renewDeposit(deposit)
        }
    }

    @Test(arguments: [Duration.zero, .seconds(7), ClockTests.days400])
    func `a running clock that begins anew shortens no grace time and no lease`(
        _ start: Duration
    ) async throws {
        try await withFolder { folder in
            let chunk = try CatalogFixture.chunk("chunk")
            let (first, retrieval) = (ManualClock(), RetrievalID.random())
            first.advance(Self.days400 / 2)
            do {
                let catalog = try await SQLiteCatalog.open(at: folder, clock: first.clock)
                let fixture = CatalogFixture(catalog: catalog) { first.advance($0) }
                try await fixture.admit(1...1)
                for name in ["file", "read"] {
                    try await fixture.deposit(
                        name, [name == "file" ? chunk : CatalogFixture.chunk("read")],
                        on: CatalogFixture.replicas(1...1))
                }
                _ = try await catalog.delete(FileName("file"), time: 1)
                try await fixture.deliver(on: 1...1)
                try await catalog.markUnused()
                _ = try await catalog.openRetrieval(
                    retrieval, of: [FileName("read")], lease: CatalogFixture.lease)
                first.advance(.seconds(500))
                // Writes the running time down.
                try await fixture.admit(1...1)
                try catalog.close()
            }
            let second = ManualClock()
            second.advance(start)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: second.clock)
            func released() async throws -> Bool {
                try await !catalog.releaseUnused(
                    [chunk.id], for: CatalogFixture.grace, on: CatalogFixture.replica(1)
                ).isEmpty
            }
            let early = try await released()
            #expect(!early)
            second.advance(.seconds(99))
            try await catalog.renewRetrieval(retrieval, lease: CatalogFixture.lease)
            // 500 seconds of the grace time passed before, and none while it was closed.
            second.advance(CatalogFixture.grace - .seconds(600))
            let almost = try await released()
            #expect(!almost)
            second.advance(.seconds(1))
            let now = try await released()
            #expect(now)
            try catalog.close()
        }
    }

    /// No clock of the kind that is used does; if one did, things only took longer.
    @Test func `a running clock that goes back ends nothing early`() async throws {
        try await withCatalog { fixture in
            try await fixture.admit(1...1)
            let chunk = try CatalogFixture.chunk("chunk")
            fixture.advance(Self.days400)
            try await fixture.deposit("file", [chunk], on: CatalogFixture.replicas(1...1))
            _ = try await fixture.catalog.delete(FileName("file"), time: 1)
            try await fixture.catalog.markUnused()
            let deposit = try await fixture.open(level: 1)
            fixture.advance(.zero - Self.days400 * 2)
            try await fixture.catalog.renewDeposit(deposit)
            let early = try await fixture.catalog.releaseUnused(
                [chunk.id], for: .milliseconds(1), on: CatalogFixture.replica(1))
            #expect(early.isEmpty)
        }
    }
}
