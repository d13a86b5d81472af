import DepotCore
import Testing

extension CatalogConformance {
    static let censuses: [CatalogBehaviour] = [
        CatalogBehaviour("a census tells what lacks copies, for whoever counts on which members") {
            fixture in
            try await fixture.admit(1...3)
            let (a, b) = try (Fixture.chunk("a"), Fixture.chunk("b"))
            try await fixture.deposit("both", [a, b], on: Fixture.replicas(1...2))
            try await fixture.deposit("one", [b], on: Fixture.replicas(1...2))
            let whole = try await fixture.census(counting: 1...3, repairing: 1...3)
            #expect(whole.totals.files == 2)
            #expect((whole.unreadable, whole.toRepair, whole.degradedFiles) == (0, 0, 0))
            try await fixture.settle(a, .bad, on: 1)
            let scarce = try await fixture.census(counting: 1...3, repairing: 1...3)
            #expect((scarce.totals.underReplicated, scarce.toRepair) == (1, 1))
            #expect((scarce.unreadable, scarce.degradedFiles) == (0, 1), "the other has all")
            // Away is not lost: a copy that cannot be counted on is there all the same.
            let away = try await fixture.census(counting: 1...1, repairing: 1...3)
            #expect((away.totals.underReplicated, away.toRepair) == (4, 1))
            #expect((away.unreadable, away.degradedFiles) == (0, 2))
            try await fixture.settle(a, .bad, on: 2)
            let lost = try await fixture.census(counting: 1...3, repairing: 1...3)
            #expect((lost.unreadable, lost.degradedFiles) == (1, 1))
            _ = try await fixture.catalog.delete(FileName("both"), time: 1)
            let gone = try await fixture.census(counting: 1...3, repairing: 1...3)
            #expect((gone.unreadable, gone.toRepair, gone.degradedFiles) == (0, 0, 0))
        },
        CatalogBehaviour("a census sees a file that is one chunk, and one that is none") {
            fixture in
            try await fixture.admit(1...2)
            let chunk = try await fixture.depositOnly("file", "only", on: 1...2)
            let deposit = try await fixture.open(level: 2)
            _ = try await fixture.outcome(
                FileCommit(
                    name: FileName("empty"), manifest: .empty, size: 0, metadata: FileMetadata(),
                    chunks: 0), in: deposit, copies: 2)
            let before = try await fixture.census(counting: 1...2, repairing: 1...2)
            #expect((before.totals.files, before.degradedFiles) == (2, 0))
            #expect((before.deposits, before.pendingRecords) == (1, 1))
            try await fixture.settle(chunk, .bad, on: 2)
            let after = try await fixture.census(counting: 1...2, repairing: 1...2)
            #expect((after.totals.underReplicated, after.degradedFiles) == (1, 1))
        },
        CatalogBehaviour("a census counts copies by member and state") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<3)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...2))
            try await fixture.settle(chunks[0], .bad, on: 1)
            let census = try await fixture.census(counting: 1...3, repairing: 1...3)
            let held = (1...3).map { census.held(on: $0) }
            #expect(held == [[0, 3, 1, 0], [0, 4, 0, 0], [0, 0, 0, 0]])
            // Its log went back: nothing that it vouched for is proved any more.
            _ = try await fixture.catalog.observe(
                LogPosition(opens: 2, segment: 0, offset: 0), of: Fixture.replica(2),
                asOf: fixture.catalog.mark())
            let regressed = try await fixture.census(counting: 1...3, repairing: 1...3)
            #expect(regressed.held(on: 2) == [4, 0, 0, 0])
            #expect(regressed.held(on: 1) == [0, 3, 1, 0])
        },
        CatalogBehaviour("a census tells how long ago segments were read, and which never were") {
            fixture in
            try await fixture.admit(1...2)
            let replica = Fixture.replica(1)
            let segments = (1...4).map { number in
                SegmentInfo(
                    id: SegmentID(number: number, nonce: 7), bytes: 1_000, liveBytes: 900,
                    liveCopies: 3, isSealed: number < 4)
            }
            try await fixture.catalog.noteSegments(segments, of: replica)
            let never = try await fixture.census(counting: 1...2, repairing: 1...2)
            #expect(never.scrubs == [replica: .init(segments: 4, unread: 3, oldest: nil)])
            for number: UInt32 in [2, 3] {
                try await fixture.catalog.noteScrub(
                    of: SegmentID(number: number, nonce: 7), on: replica, bytes: 1_000, copies: 3,
                    problems: 0, time: 77)
                fixture.advance(.seconds(10))
            }
            let read = try await fixture.census(counting: 1...2, repairing: 1...2)
            #expect(
                read.scrubs == [replica: .init(segments: 4, unread: 1, oldest: .seconds(20))])
        },
        CatalogBehaviour("a census counts who deposits and who reads, until their leases end") {
            fixture in
            try await fixture.admit(1...1)
            try await fixture.deposit(
                "file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            let deposit = try await fixture.open(level: 1)
            _ = try await fixture.catalog.openRetrieval(
                RetrievalID.random(), of: [FileName("file")], lease: Fixture.lease)
            let open = try await fixture.census(counting: 1...1, repairing: 1...1)
            #expect((open.deposits, open.retrievals) == (1, 1))
            try await fixture.catalog.closeDeposit(deposit)
            fixture.advance(Fixture.lease)
            let ended = try await fixture.census(counting: 1...1, repairing: 1...1)
            #expect((ended.deposits, ended.retrievals) == (0, 0))
        },
    ]
}

extension CatalogFixture {
    fileprivate func census(
        counting: ClosedRange<UInt8>, repairing: ClosedRange<UInt8>
    ) async throws -> CatalogCensus {
        try await catalog.census(
            counting: Self.replicas(counting), repairing: Self.replicas(repairing))
    }
}

extension CatalogCensus {
    /// Copies in each state, in the order of the states.
    fileprivate func held(on number: UInt8) -> [Int] {
        HoldingState.allCases.map { holdings[CatalogFixture.replica(number)]?[$0] ?? 0 }
    }
}
