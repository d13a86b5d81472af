import DepotCore
import DepotWire
import Foundation
import NIOCore
import Testing

/// Changes of a name that are asked for again, since the answer was lost, or said so.
@Suite struct RepeatedChangeTests {
    private static func delete(
        _ depot: TestDepot, _ request: RequestID?
    ) async throws -> HTTPCaller.Answer {
        try await depot.http.call(
            .DELETE, "/v1/files/file",
            headers: request.map { [(FileServerRoute.request, "\($0)")] } ?? [])
    }

    private static func change(
        _ depot: TestDepot, _ level: Int, _ request: RequestID?
    ) async throws -> HTTPCaller.Answer {
        let body = ChangeLevelBody(level: try ReplicationLevel(level), planOnly: false)
        return try await depot.http.call(
            .POST, "/v1/files/file/level",
            headers: request.map { [(FileServerRoute.request, "\($0)")] } ?? [],
            body: [try WireJSON.encode(body)])
    }

    @Test func `a deletion that is asked for again deletes nothing that came since`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 1), level: 3)
            let request = RequestID.random()
            for _ in 0..<2 { #expect(try await Self.delete(depot, request).status == 204) }
            #expect(try await Self.delete(depot, .random()).status == 404)
            let data = TestDepositor.data(9_000, seed: 2)
            try await depot.deposit("file", data, level: 3)
            #expect(try await Self.delete(depot, request).status == 204)
            #expect(try await depot.content("file").body == data)
            #expect(try await Self.delete(depot, .random()).status == 204)
        }
    }

    @Test func `a change of level that is asked for again undoes no later one`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 1), level: 3)
            let (first, second) = (RequestID.random(), RequestID.random())
            for _ in 0..<2 {
                let answer = try await Self.change(depot, 2, first)
                #expect(try answer.json(LevelChangeBody.self).to.copies == 2)
            }
            #expect(try await Self.change(depot, 3, second).status == 200)
            #expect(try await Self.change(depot, 2, first).status == 200)
            #expect(try await depot.info("file").file.level == .three)
            // The id of one change is not that of another.
            #expect(try await Self.delete(depot, second).status == 409)
            #expect(try await Self.change(depot, 1, second).status == 409)
            #expect(try await depot.info("file").file.level == .three)
            let bad = [(FileServerRoute.request, "x")]
            #expect(
                try await depot.http.call(.DELETE, "/v1/files/file", headers: bad).status == 400)
        }
    }

    /// "Send the request again" was answered 404, and 200 where still nobody else had the record.
    @Test(arguments: [true, false])
    func `what too few know of is done when it is asked for again, and not before`(
        hasID: Bool
    ) async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 1), level: 2)
            try await depot.eventually("the record is where it belongs") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            func expectDoneWithRoom(_ change: () async throws -> HTTPCaller.Answer) async throws {
                for replica in depot.replicas[1...] { replica.mood = .fullToTheEnd }
                for _ in 0..<2 { #expect(try await change().error?.code == .notEnoughReplicas) }
                for replica in depot.replicas[1...] { replica.mood = .well }
                let status = try await change().status
                // Without an id nobody knows a deletion that has reached its replicas meanwhile.
                #expect([200, 204].contains(status) || !hasID && status == 404)
            }
            let requests = (0..<2).map { _ in hasID ? RequestID.random() : nil }
            try await expectDoneWithRoom { try await Self.change(depot, 1, requests[0]) }
            try await expectDoneWithRoom { try await Self.delete(depot, requests[1]) }
            #expect(try await depot.content("file").status == 404)
        }
    }
}
