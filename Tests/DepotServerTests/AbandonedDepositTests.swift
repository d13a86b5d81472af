import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

/// A deposit of 120 MiB that a replica of 50 MB refused kept it full for everybody: some of what it had sent was vouched
/// for and waited a day, the rest was in no catalog.
@Suite struct AbandonedDepositTests {
    /// Sends a part that is vouched for, one that is not, and one that finds the disks full.
    private func refuse(
        _ depot: TestDepot, _ file: (chunks: [VerifiedObject], manifest: FinishedManifest)
    ) async throws -> TestDepositor {
        let depositor = TestDepositor(depot)
        _ = try await depositor.open(level: 3)
        _ = try await depositor.negotiate(file.chunks)
        #expect(try await depositor.upload(Array(file.chunks[0..<3])).status == 200)
        let vouched = try await depositor.barrier(Array(file.chunks[0..<3]))
        #expect(try TestDepositor.lacking(vouched).isEmpty)
        #expect(try await depositor.upload(Array(file.chunks[3..<6])).status == 200)
        for replica in depot.replicas { replica.mood = .full }
        #expect(try await depositor.upload(Array(file.chunks[6..<9])).status == 507)
        return depositor
    }

    enum End: CaseIterable, Sendable { case closed, over }

    @Test(arguments: End.allCases)
    func `what a refused deposit sent goes from full disks without anybody asking`(
        _ end: End
    ) async throws {
        try await TestDepot.run { depot in
            let kept = TestDepositor.data(20_000, seed: 400)
            try await depot.deposit("kept", kept, level: 3)
            let file = try TestDepositor.file(TestDepositor.data(90_000, seed: 401))
            let refused = try await refuse(depot, file)
            let other = TestDepositor(depot)
            _ = try await other.open(level: 1)
            #expect(try await other.negotiate([file.chunks[0]]).isEmpty)
            switch end {
            case .closed: #expect(try await refused.close().status == 204)
            case .over:
                depot.clock.advance(by: .seconds(1_800))
                #expect(try await other.negotiate([file.chunks[0]]).isEmpty)
                depot.clock.advance(by: .seconds(1_800))
                // They say so again.
                #expect(try await other.negotiate([file.chunks[8]]).count == 1)
                #expect(try await other.upload([file.chunks[8]]).status == 507)
            }
            try await depot.eventually("it is gone") {
                file.chunks[1...].allSatisfy { depot.soundCopies(of: $0.id.hash) == 0 }
            }
            #expect(depot.soundCopies(of: file.chunks[0].id.hash) == 3, "another relies on it")
            for replica in depot.replicas { replica.mood = .well }
            #expect(try await depot.content("kept").body == kept)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `where there is room, what a deposit brought waits for it to be run again`()
        async throws
    {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(90_000, seed: 402))
            let (most, last) = (Array(file.chunks[0..<8]), [file.chunks[8]])
            let first = TestDepositor(depot)
            _ = try await first.open(level: 3)
            _ = try await first.negotiate(file.chunks)
            #expect(try await first.upload(most).status == 200)
            #expect(try TestDepositor.lacking(try await first.barrier(most)).isEmpty)
            depot.replicas[2].mood = .full
            #expect(try await first.upload(last).status == 200, "two of three take it")
            #expect(try await first.close().status == 204)
            try await depot.eventually("the full one has given it back") {
                most.allSatisfy { !depot.replicas[2].holds($0.id.hash) }
            }
            for replica in depot.replicas.prefix(2) {
                #expect(most.allSatisfy { replica.holds($0.id.hash) })
            }
            let again = TestDepositor(depot)
            _ = try await again.open(level: 2)
            #expect(try await again.negotiate(most).isEmpty)
            // Until then: with its hour over, and nobody who names it, it goes everywhere.
            #expect(try await again.close().status == 204)
            try await depot.eventually("it goes everywhere") {
                depot.clock.advance(by: .seconds(86_400))
                _ = try await depot.collect(grace: nil)
                return most.allSatisfy { depot.soundCopies(of: $0.id.hash) == 0 }
            }
        }
    }

    /// The catalog knows nothing of it before its barrier. It would have to be sent again, and the bytes of a stream are gone.
    @Test func `what another deposit has sent as well is left until its barrier`() throws {
        let sessions = DepositSessions(countMax: 9)
        let (gone, other) = (DepositID.random(), DepositID.random())
        let (chunk, replica) = (try CatalogFixture.chunk("sent"), CatalogFixture.replica(1))
        let places = DepositSessions.Sent(appended: [replica], attempted: [replica])
        for deposit in [gone, other] {
            sessions.open(deposit, level: try ReplicationLevel(1), requireAll: nil)
            try sessions.note(sent: [chunk: places], of: deposit)
        }
        sessions.close(gone)
        #expect(sessions.strays(on: replica).isEmpty)
        sessions.settled([chunk], of: other)
        #expect(sessions.strays(on: replica) == [chunk.id])
    }

    /// One that only named chunks, which costs it nothing, kept all others from sending.
    @Test func `a deposit that names more than it settles leaves room for others`() throws {
        let sessions = DepositSessions(countMax: 9)
        let (greedy, honest) = (DepositID.random(), DepositID.random())
        let places = DepositSessions.Sent(
            appended: [CatalogFixture.replica(1)], attempted: [CatalogFixture.replica(1)])
        for deposit in [greedy, honest] {
            sessions.open(deposit, level: try ReplicationLevel(1), requireAll: nil)
        }
        let chunks = try (0...DepositSessions.chunksOfOneMax).map { number in
            let bytes = withUnsafeBytes(of: UInt64(number)) {
                Array($0) + [UInt8](repeating: 0, count: 24)
            }
            return try ChunkReference(id: #require(ChunkID(bytes: bytes)), length: 1)
        }
        let nobody = DepositSessions.Holders(nil)
        sessions.note(
            holders: Dictionary(uniqueKeysWithValues: chunks.dropLast(2).map { ($0.id, nobody) }),
            of: greedy)
        try sessions.note(sent: [chunks[0]: places], of: greedy)
        let error = #expect(throws: DepotError.self) {
            try sessions.note(sent: [chunks[1]: places], of: greedy)
        }
        #expect(error?.code == .busy)
        try sessions.note(sent: [chunks[1]: places], of: honest)
        sessions.settled([chunks[0]], of: greedy)
        try sessions.note(sent: [chunks[1]: places], of: greedy)
    }
}
