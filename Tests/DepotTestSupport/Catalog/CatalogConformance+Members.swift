import DepotCore
import Testing

extension CatalogConformance {
    static let members: [CatalogBehaviour] = [
        CatalogBehaviour("the cluster stays what it is, and no sequence was given") { fixture in
            let first = try await fixture.catalog.cluster()
            let again = try await fixture.catalog.cluster()
            #expect(first == again)
            let highest = try await fixture.catalog.highestSequence()
            #expect(highest == CommitSequence(epoch: first.epoch, counter: 0))
        },
        CatalogBehaviour("members come back in order of name, and may move") { fixture in
            for number: UInt8 in [3, 1, 2] {
                try await fixture.catalog.admit(Fixture.member(number))
            }
            var members = try await fixture.catalog.members()
            #expect(members == (1...3).map { Fixture.member($0) })
            let moved = Member(
                replica: Fixture.replica(2), name: "r2", url: "http://elsewhere:1", zone: "b",
                capacity: ByteCount(5), position: LogPosition(opens: 9, segment: 9, offset: 9))
            try await fixture.catalog.admit(moved)
            members = try await fixture.catalog.members()
            #expect(members.map(\.url)[1] == "http://elsewhere:1")
            #expect(members.map(\.zone)[1] == "b")
            #expect(members[1].position == Fixture.member(2).position)
        },
        CatalogBehaviour("an address or a name belongs to one replica") { fixture in
            try await fixture.admit(1...1)
            for (name, url) in [("r1", "http://other:1"), ("other", "http://r1:7401")] {
                await fixture.expect(.conflict) {
                    try await fixture.catalog.admit(
                        Member(
                            replica: Fixture.replica(2), name: name, url: url, zone: "",
                            capacity: ByteCount(1),
                            position: LogPosition(opens: 1, segment: 1, offset: 0)))
                }
            }
            let count = try await fixture.catalog.members().count
            #expect(count == 1)
        },
        CatalogBehaviour("a log that goes on keeps its copies good") { fixture in
            let chunk = try await fixture.oneFile()
            let position = LogPosition(opens: 2, segment: 5, offset: 99)
            let continued = try await fixture.observe(position, of: 1)
            #expect(continued)
            let noted = try await fixture.catalog.members()[0].position
            #expect(noted == position)
            let state = try await fixture.state(chunk, on: 1)
            #expect(state == .good)
        },
        CatalogBehaviour("a log that went back makes its copies unproved, and no others") {
            fixture in
            let chunk = try await fixture.oneFile()
            _ = try await fixture.observe(LogPosition(opens: 2, segment: 5, offset: 99), of: 1)
            let back = LogPosition(opens: 3, segment: 5, offset: 98)
            let continued = try await fixture.observe(back, of: 1)
            #expect(!continued)
            let states = try await [fixture.state(chunk, on: 1), fixture.state(chunk, on: 2)]
            #expect(states == [.unproved, .good])
            // Noted is where the log is now: it goes on from there.
            let goesOn = try await fixture.observe(back, of: 1)
            #expect(goesOn)
            try await fixture.settle(chunk, .good, on: 1)
            let proved = try await fixture.state(chunk, on: 1)
            #expect(proved == .good)
        },
        CatalogBehaviour("an older position that arrives late is no log that went back") {
            fixture in
            let chunk = try await fixture.oneFile()
            let mark = try await fixture.catalog.mark()
            _ = try await fixture.observe(LogPosition(opens: 2, segment: 5, offset: 99), of: 1)
            let late = LogPosition(opens: 2, segment: 5, offset: 50)
            let continued = try await fixture.catalog.observe(
                late, of: Fixture.replica(1), asOf: mark)
            #expect(continued)
            let state = try await fixture.state(chunk, on: 1)
            #expect(state == .good)
        },
        CatalogBehaviour("a stranger cannot be observed, settled or vouched for") { fixture in
            let chunk = try await fixture.oneFile()
            await fixture.expect(.notFound) {
                _ = try await fixture.observe(
                    LogPosition(opens: 1, segment: 1, offset: 1), of: 9)
            }
            await fixture.expect(.notFound) { try await fixture.settle(chunk, .good, on: 9) }
            let deposit = try await fixture.open(level: 1)
            await fixture.expect(.notFound) {
                try await fixture.send([chunk], to: [Fixture.replica(9)], in: deposit)
            }
        },
    ]
}

extension CatalogFixture {
    /// Replicas 1 to 3, and a file at level 3 on all of them.
    ///
    /// - Returns: its one chunk.
    func oneFile(_ name: String = "file") async throws -> ChunkReference {
        try await admit(1...3)
        let chunk = try Self.chunk("the one chunk")
        try await deposit(name, [chunk], on: Self.replicas(1...3))
        return chunk
    }

    func observe(_ position: LogPosition, of number: UInt8) async throws -> Bool {
        try await catalog.observe(position, of: Self.replica(number), asOf: catalog.mark())
    }
}
