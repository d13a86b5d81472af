import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Clocks that somebody sets wrong: nothing is deleted, ended, given up or preferred because of it.
@Suite struct ClockTests {
    @Test(arguments: [-400, 3_650] as [Int64])
    func `a wall clock that jumps decides nothing`(days: Int64) async throws {
        let busy = { (configuration: inout FileServerConfiguration) in
            configuration.timing.collectionPeriod = .milliseconds(20)
            configuration.timing.repairPeriod = .milliseconds(20)
        }
        try await TestDepot.run(replicas: 4, configure: busy) { depot in
            try await depot.ready()
            let gone = TestDepositor.data(30_000, seed: 290)
            try await depot.deposit("gone", gone, level: 3)
            let chunks = try await depot.goodCopies("gone").keys
            #expect(try await depot.http.call(.DELETE, "/v1/files/gone").status == 204)
            let file = try TestDepositor.file(TestDepositor.data(30_000, seed: 291))
            let all = file.chunks + file.manifest.objects
            let client = TestDepositor(depot)
            _ = try await client.open(level: 3)
            _ = try await client.negotiate(all)
            try await depot.deposit("name", TestDepositor.data(9_000, seed: 292), level: 3)
            #expect(try await depot.verify().exitCode == 0)
            depot.replicas[3].mood = .unreachable
            try await depot.awaitState(.down, of: 3)

            depot.clock.setWall(ahead: days)
            // The lease holds, and the deposit ends as it would have.
            #expect(try await client.upload(all).status == 200)
            #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
            let answer = try await client.commit("file", file.manifest)
            #expect(try answer.json(CommitAnswerBody.self).results[0].receipt != nil)
            // The later commit counts, whatever its time.
            let later = TestDepositor.data(9_000, seed: 293)
            try await depot.deposit("name", later, level: 3)
            #expect(try await depot.content("name").body == later)
            // Nobody is lost, nothing is collected, what was read lately needs no reading.
            #expect(try await depot.state(of: 3) == .down)
            // One that nobody asked for may be under way.
            try await depot.eventually("a collection") {
                try await depot.collect(grace: nil).status == 200
            }
            let held = depot.replicas.prefix(3)
            #expect(chunks.allSatisfy { chunk in held.count { $0.holds(chunk) } >= 2 })
            depot.clock.setWall(ahead: 0)
            let again = TestDepositor.data(9_000, seed: 294)
            try await depot.deposit("name", again, level: 3)
            #expect(try await depot.content("name").body == again)
        }
    }
}
