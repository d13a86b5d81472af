import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct HedgeTests {
    /// Reading from it takes for ever; it would be given up on after a minute.
    private static func run(
        slow: Int, _ test: (TestDepot, ByteBuffer) async throws -> Void
    ) async throws {
        let patient = { (configuration: inout FileServerConfiguration) in
            configuration.timing.stallLimit = .seconds(60)
        }
        try await TestDepot.run(configure: patient) { depot in
            try await depot.ready()
            let data = TestDepositor.data(64_000, seed: 280)
            try await depot.deposit("file", data, level: 3)
            depot.links[slow].inject(.hang, into: .read, calls: .all)
            try await test(depot, data)
        }
    }

    @Test(arguments: [0, 1, 2])
    func `a slow holder is overtaken, and is not taken for a bad one`(slow: Int) async throws {
        try await Self.run(slow: slow) { depot, data in
            let began = ContinuousClock.now
            for _ in 0..<3 { #expect(try await depot.content("file").body == data) }
            #expect(ContinuousClock.now - began < .seconds(30))
            depot.links[slow].heal()
            for (_, copies) in try await depot.goodCopies("file") { #expect(copies.count == 3) }
            #expect(try await depot.verify().problemCount == 0)
        }
    }

    @Test func `where all others are bad the slow one is waited for`() async throws {
        try await Self.run(slow: 1) { depot, data in
            for chunk in try await depot.goodCopies("file").keys {
                depot.replicas[0].corrupt(chunk)
                depot.replicas[2].lose(chunk)
            }
            async let content = depot.content("file")
            try await eventually("the slow one is asked, and the others are found wanting") {
                let good = try await depot.goodCopies("file").values.map(\.count).min() ?? 3
                return depot.links[1].hangingCount > 0 && good == 1
            }
            depot.links[1].heal()
            #expect(try await content.body == data)
        }
    }

    @Test func `with all holders bad the answer names chunk and offset, and no body begins`()
        async throws
    {
        try await Self.run(slow: 2) { depot, data in
            depot.links[2].heal()
            let chunks = try TestDepositor.file(data).chunks
            for replica in depot.replicas { replica.corrupt(chunks[2].id.hash) }
            let answer = try await depot.content("file")
            #expect(answer.status >= 400)
            #expect(answer.error?.code == .noGoodCopy)
            #expect(answer.error?.object == chunks[2].id.hash.hex)
            #expect(answer.error?.message.contains("at offset 20000 of the file") == true)
            // A part that is sound is given all the same.
            let part = try await depot.http.call(
                .GET, "/v1/files/file/content", headers: [("Range", "bytes=0-9999")])
            #expect(part.status == 206 && part.body == data.getSlice(at: 0, length: 10_000))
        }
    }
}
