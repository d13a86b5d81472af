import DepotCore
import DepotServer
import DepotWire
import FoundationEssentials
import NIOCore
import Testing

@testable import DepotCluster

@Suite struct HealthTests {
    private func probing(
        every interval: Duration
    ) -> @Sendable (inout FileServerConfiguration) -> Void {
        { $0.timing.monitorInterval = interval }
    }

    @Test func `an empty replica is adopted, a foreign one refused and not touched`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let foreign = ClusterMembership(cluster: .random(), epoch: 1, members: [])
        replicas[2].state.withLock { $0.membership = foreign }
        try await TestDepot.run(on: replicas) { depot in
            try await depot.eventually("one is refused") {
                try await depot.state(of: 2) == .refused
            }
            let status = try await depot.status()
            let problem = status.replicas.first { $0.state == .refused }?.problem
            #expect(problem?.contains("belongs to cluster \(foreign.cluster)") == true)
            #expect(replicas[2].state.withLock { $0.membership } == foreign)
            let adopted = try #require(replicas[0].state.withLock { $0.membership })
            #expect(adopted.cluster == status.cluster)
            let refused = try await TestDepositor(depot).open(level: 3)
            #expect(refused.error?.code == .notEnoughReplicas)
            try await depot.eventually("members are told of each other") {
                replicas[0].state.withLock { $0.membership?.members.count } == 2
            }
        }
    }

    @Test func `a replica that has seen a higher epoch is refused`() async throws {
        let replicas = (0..<2).map { _ in FakeReplica() }
        try await TestDepot.run(on: replicas) { depot in
            try await depot.eventually("adopted") { try await depot.state(of: 0) == .up }
            replicas[0].state.withLock { state in
                guard let known = state.membership else { return }
                state.membership = ClusterMembership(
                    cluster: known.cluster, epoch: 9, members: known.members)
            }
            try await depot.eventually("refused") { try await depot.state(of: 0) == .refused }
        }
    }

    @Test func `two addresses with one identity are one replica`() async throws {
        let one = FakeReplica()
        let twin = FakeReplica()
        twin.state.withLock { $0.id = one.id }
        try await TestDepot.run(on: [one, twin]) { depot in
            try await depot.eventually("one of them is refused") {
                let states = try await depot.status().replicas.map(\.state)
                return states.contains(.up) && states.contains(.refused)
            }
            #expect(try await depot.catalog.members().count == 1)
            let problem = try await depot.status().replicas.first { $0.state == .refused }?.problem
            #expect(problem?.contains("its folder was copied") == true)
        }
    }

    @Test func `another replica at a known address is refused`() async throws {
        let replica = FakeReplica()
        try await TestDepot.run(on: [replica]) { depot in
            try await depot.eventually("up") { try await depot.state(of: 0) == .up }
            let first = replica.id
            replica.state.withLock { state in
                state.id = .random()
                state.membership = nil
            }
            try await depot.eventually("refused") { try await depot.state(of: 0) == .refused }
            let problem = try await depot.status().replicas[0].problem
            #expect(problem?.contains("replica \(first) is known at this address") == true)
            #expect(replica.state.withLock { $0.membership } == nil)
        }
    }

    @Test func `a replica may move to another address`() async throws {
        let replica = FakeReplica()
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "depot-move-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let data = TestDepositor.data(9_000, seed: 50)
        try await TestDepot.start(on: [replica], in: folder, urls: ["http://old:1"]) { depot in
            try await depot.deposit("file", data, level: 1)
        }
        let nobody = FakeReplica()
        nobody.mood = .unreachable
        let forgetOld = { (configuration: inout FileServerConfiguration) in
            configuration.replicas = [ReplicaConfiguration(url: "http://new:1")]
        }
        try await TestDepot.start(
            on: [replica, nobody], in: folder, urls: ["http://new:1", "http://old:1"],
            configure: forgetOld
        ) { depot in
            try await depot.eventually("it is found at its new address") {
                try await depot.status().replicas.map(\.state) == [.up]
            }
            #expect(try await depot.catalog.members().map(\.url) == ["http://new:1"])
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test func `a log that went back makes copies unproved until they are vouched for`()
        async throws
    {
        // The monitor does not ask between the barrier and the loss: the answers to the barrier must do.
        try await TestDepot.run(replicas: 2, configure: probing(every: .seconds(3))) {
            depot in
            try await depot.ready()
            let kept = TestDepositor.data(30_000, seed: 51)
            try await depot.deposit("kept", kept, level: 2)
            let image = depot.replicas[1].state.withLock { $0 }
            let lost = TestDepositor.data(30_000, seed: 52)
            try await depot.deposit("lost", lost, level: 2)
            for (_, copies) in try await depot.goodCopies("lost") { #expect(copies.count == 2) }
            depot.replicas[1].goBack(to: image)
            try await depot.eventually("the catalog knows what is gone, and what is not") {
                let lost = try await depot.goodCopies("lost").values.allSatisfy { $0.count == 1 }
                let kept = try await depot.goodCopies("kept").values.allSatisfy { $0.count == 2 }
                return lost && kept
            }
            #expect(try await depot.content("lost").body == lost)
        }
    }

    /// A switch that forgets its connections must not make a change fail that all replicas are
    /// there for.
    @Test func `a change waits for the next probe of replicas that a request found silent`()
        async throws
    {
        try await TestDepot.run(replicas: 3, configure: probing(every: .seconds(1))) {
            depot in
            try await depot.ready()
            let data = TestDepositor.data(9_000, seed: 55)
            try await depot.deposit("file", data, level: 3)
            for _ in 0..<3 {
                for replica in depot.replicas { replica.mood = .unreachable }
                _ = try? await depot.content("file")
                for replica in depot.replicas { replica.mood = .well }
                let change = try await depot.http.call(.PUT, "/v1/files/x?level=2", body: [data])
                #expect(change.status == 201 || change.status == 200)
            }
        }
    }

    /// A deposit that was the first request after the first start found too few members.
    @Test func `all replicas that answer a first start are let in before the first request`()
        async throws
    {
        for _ in 0..<20 {
            try await TestDepot.run(replicas: 7, configure: probing(every: .seconds(60))) {
                depot in
                let status = try await depot.status()
                #expect(status.replicas.allSatisfy { $0.state == .up })
                #expect(try await depot.catalog.members().count == 7)
            }
        }
    }

    /// A member that seemed to know only the list before kept others from being let in.
    @Test func `of two answers to offers the older one may come last`() {
        var state = NodeState(replica: .random())
        state.answeredOffer(revision: 3, knowing: nil)
        state.answeredOffer(revision: 2, knowing: nil)
        #expect(state.accepted == 3)
        state.answeredOffer(revision: nil, knowing: nil)
        #expect(state.accepted == nil)
        state.answeredOffer(revision: 2, knowing: nil)
        #expect(state.accepted == 2)
    }

    @Test func `a catalog that is behind its replicas takes no writes`() async throws {
        let replicas = (0..<2).map { _ in FakeReplica() }
        let data = TestDepositor.data(9_000, seed: 53)
        try await TestDepot.run(on: replicas) { depot in
            try await depot.deposit("file", data, level: 2)
            replicas[0].state.withLock {
                $0.highestSequence = CommitSequence(epoch: 1, counter: 1_000)
            }
            try await depot.eventually("read-only") {
                try await TestDepositor(depot).open(level: 2).error?.code == .conflict
            }
            let refused = try await depot.http.call(.PUT, "/v1/files/x?level=2", body: [data])
            #expect(refused.error?.code == .conflict)
            #expect(refused.error?.message.contains("depot rebuild-catalog") == true)
            #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 409)
            #expect(try await depot.changeLevel("file", 1).status == 409)
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test func `the FileServer starts beside replicas that never answer`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        for replica in replicas { replica.mood = .hanging }
        try await TestDepot.run(on: replicas) { depot in
            #expect(try await depot.http.call(.GET, "/health").status == 200)
            let status = try await depot.status()
            #expect(status.replicas.allSatisfy { $0.state == .down })
        }
    }

    @Test func `a replica that takes no writes is read from, not written to`() async throws {
        try await TestDepot.run(replicas: 2) { depot in
            let data = TestDepositor.data(9_000, seed: 54)
            try await depot.deposit("file", data, level: 2)
            depot.replicas[0].mood = .readOnly
            try await depot.eventually("read-only") {
                try await depot.state(of: 0) == .readOnly
            }
            depot.replicas[1].mood = .unreachable
            #expect(try await depot.content("file").body == data)
            let refused = try await TestDepositor(depot).open(level: 1, requireAll: true)
            _ = refused
            let hopeless = try await TestDepositor(depot).open(level: 2, requireAll: true)
            #expect(hopeless.error?.code == .notEnoughReplicas)
        }
    }
}
