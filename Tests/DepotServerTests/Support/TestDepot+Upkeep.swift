import DepotCluster
import DepotCore
import DepotSQLiteCatalog
import DepotServer
import DepotUpkeep
import DepotWire
import Logging
import NIOCore
import Synchronization
import Testing

extension TestDepot {
    // MARK: Verify

    func startVerification(
        _ id: VerificationID = .random(), replicas: [String]? = nil, budget: Int? = nil,
        ageMax: Int? = nil, repairs: Bool = true
    ) async throws -> HTTPCaller.Answer {
        let body = VerifyBody(
            verification: id, replicas: replicas, budgetSeconds: budget, ageSecondsMax: ageMax,
            repairs: repairs, isUnpaced: true)
        return try await http.call(
            .POST, FileServerRoute.verifications, body: [try WireJSON.encode(body)])
    }

    /// From beginning to end.
    func verify(
        replicas: [String]? = nil, budget: Int? = nil, ageMax: Int? = nil, repairs: Bool = true
    ) async throws -> VerificationBody {
        let id = VerificationID.random()
        let started = try await startVerification(
            id, replicas: replicas, budget: budget, ageMax: ageMax, repairs: repairs)
        try #require(started.status == 202, "\(String(buffer: started.body))")
        return try await end(of: id)
    }

    func end(of id: VerificationID) async throws -> VerificationBody {
        var body = try await progress(of: id)
        try await eventually("the verification ends") {
            body = try await progress(of: id)
            return body.phase == .done || body.phase == .failed
        }
        return body
    }

    func progress(of id: VerificationID) async throws -> VerificationBody {
        try await http.call(.GET, "\(FileServerRoute.verifications)/\(id)")
            .json(VerificationBody.self)
    }

    // MARK: Collection

    func collect(
        grace: Int? = 0, planOnly: Bool = false
    ) async throws -> HTTPCaller.Answer {
        let body = CollectBody(planOnly: planOnly, graceSeconds: grace)
        return try await http.call(
            .POST, FileServerRoute.collections, body: [try WireJSON.encode(body)])
    }

    // MARK: Members

    func drain(_ replica: Int, force: Bool = false) async throws -> HTTPCaller.Answer {
        let body = DrainRequestBody(replica: Self.url(replica), force: force)
        return try await http.call(
            .POST, "\(FileServerRoute.replicas)/drain", body: [try WireJSON.encode(body)])
    }

    func drainStatus(_ replica: Int) async throws -> DrainBody {
        try await http.call(.GET, drainPath(replica)).json(DrainBody.self)
    }

    func stopDrain(_ replica: Int) async throws -> DrainBody {
        try await http.call(.DELETE, drainPath(replica)).json(DrainBody.self)
    }

    private func drainPath(_ replica: Int) -> String {
        "\(FileServerRoute.replicas)/drain?replica=\(replicas[replica].id)"
    }

    func forget(_ replica: Int, acceptLoss: Bool = false) async throws -> HTTPCaller.Answer {
        let body = ForgetRequestBody(
            replica: replicas[replica].id.description, acceptLoss: acceptLoss)
        return try await http.call(
            .POST, "\(FileServerRoute.replicas)/forget", body: [try WireJSON.encode(body)])
    }

    func simulate(losing lost: [Int]) async throws -> SimulationBody {
        let body = SimulationRequestBody(
            lose: lost.map { replicas[$0].id.description }, after: nil)
        return try await http.call(
            .POST, "\(FileServerRoute.replicas)/simulation", body: [try WireJSON.encode(body)]
        ).json(SimulationBody.self)
    }

    func prove(_ receipt: ReceiptBody) async throws -> ReceiptProofBody {
        try await http.call(
            .POST, FileServerRoute.receipts, body: [try WireJSON.encode(receipt)]
        ).json(ReceiptProofBody.self)
    }

    // MARK: What is where

    /// Sound copies that the replicas themselves have, whatever the catalog believes.
    func soundCopies(of chunk: ChunkID) -> Int {
        replicas.count { $0.holdsSoundly(.chunk(chunk)) }
    }

    /// The FileServer has met all of them.
    func ready() async throws {
        try await eventually("all are up") {
            try await status().replicas.allSatisfy { $0.state == .up }
        }
    }

    func awaitState(_ state: StatusBody.Replica.State, of replica: Int) async throws {
        try await eventually("replica \(replica) is \(state)") {
            try await self.state(of: replica) == state
        }
    }
}

extension FakeReplica {
    func holdsSoundly(_ id: ObjectID) -> Bool {
        state.withLock { state in
            state.objects[id].map { ChunkID(hashing: $0.bytes) == id.hash } ?? false
        }
    }
}

extension TestDepot {
    /// Makes a catalog in an empty folder from what replicas hold.
    static func rebuild(
        _ replicas: [FakeReplica], in folder: String, acceptMissing: Bool,
        acceptMinority: Bool = false
    ) async throws -> RebuildReport {
        let links = Dictionary(
            uniqueKeysWithValues: replicas.enumerated().map { (url($0.offset), $0.element) })
        let catalogs = Mutex<[SQLiteCatalog]>([])
        var timing = ServerTiming()
        timing.stallLimit = .seconds(2)
        let rebuilder = CatalogRebuilder(
            replicas: links.keys.sorted().map { ReplicaConfiguration(url: $0) },
            acceptMissing: acceptMissing, acceptMinority: acceptMinority,
            links: { replica, _ throws(DepotError) in
                guard let link = links[replica.url] else {
                    throw DepotError(.unreachable, "no such replica in this test")
                }
                return link
            },
            makeCatalog: { identity throws(DepotError) in
                let catalog = try await SQLiteCatalog.makeForRebuild(in: folder, cluster: identity)
                catalogs.withLock { $0.append(catalog) }
                return catalog
            }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, timing: timing)
        do {
            let report = try await rebuilder.run()
            for catalog in catalogs.withLock({ $0 }) { try catalog.close() }
            return report
        } catch {
            for catalog in catalogs.withLock({ $0 }) { try catalog.close() }
            throw error
        }
    }
}
