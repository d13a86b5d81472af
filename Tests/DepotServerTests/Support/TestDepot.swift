import DepotCluster
import DepotCore
import DepotSQLiteCatalog
import DepotServer
import DepotTestSupport
import DepotWire
import FoundationEssentials
import Logging
import NIOCore
import Testing

/// The shipping FileServer on a real catalog and fake replicas, spoken to over HTTP.
final class TestDepot: Sendable {
    static let token = "test-token-0123456789"

    let replicas: [FakeReplica]
    /// What the FileServer reaches them through; faults go in here.
    let links: [FaultyReplica]
    let clock: TestClock
    let folder: String
    let catalog: SQLiteCatalog
    let server: FileServer
    let http: HTTPCaller

    private init(
        replicas: [FakeReplica], links: [FaultyReplica], clock: TestClock, folder: String,
        catalog: SQLiteCatalog, server: FileServer, port: Int
    ) {
        self.replicas = replicas
        self.links = links
        self.clock = clock
        self.folder = folder
        self.catalog = catalog
        self.server = server
        http = HTTPCaller(port: port, token: Self.token)
    }

    /// Runs a test in a temporary folder.
    static func run(
        replicas count: Int = 3, configure: (inout FileServerConfiguration) -> Void = { _ in },
        _ test: (TestDepot) async throws -> Void
    ) async throws {
        let replicas = (0..<count).map { _ in FakeReplica() }
        try await run(on: replicas, configure: configure, test)
    }

    static func run(
        on replicas: [FakeReplica], urls: [String]? = nil,
        configure: (inout FileServerConfiguration) -> Void = { _ in },
        _ test: (TestDepot) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "depot-server-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await start(on: replicas, in: folder, urls: urls, configure: configure, test)
    }

    /// A folder for several FileServers, one after the other.
    ///
    /// - Parameter inMemory: in memory where the system has such a place, for tests that start a hundred of them and lose
    ///   nothing by syncs that do nothing.
    static func inFolder(
        inMemory: Bool = false, _ test: (String) async throws -> Void
    ) async throws {
        let memory = "/dev/shm"
        let place =
            inMemory && FileManager.default.isWritableFile(atPath: memory)
            ? memory : FileManager.default.temporaryDirectory.path
        let folder = "\(place)/depot-server-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await test(folder)
    }

    /// Starts a FileServer over what is there, runs the test, stops it.
    ///
    /// - Parameter checkedMax: a catalog above it is looked at while it is in use.
    static func start(
        on replicas: [FakeReplica], in folder: String, urls: [String]? = nil,
        checkedMax: ByteCount = SQLiteCatalog.checkedAtOpeningMax,
        configure: (inout FileServerConfiguration) -> Void = { _ in },
        _ test: (TestDepot) async throws -> Void
    ) async throws {
        let running = try await launch(
            on: replicas, in: folder, urls: urls, checkedMax: checkedMax, configure: configure)
        do {
            try await running.depot.joined()
            try await test(running.depot)
        } catch {
            try await running.stop()
            throw error
        }
        try await running.stop()
    }

    /// A FileServer that goes on until it is stopped.
    struct Running: Sendable {
        let depot: TestDepot
        fileprivate let service: Task<Void, any Error>

        func stop() async throws {
            service.cancel()
            _ = await service.result
            try depot.catalog.close()
        }
    }

    /// Starts a FileServer over what is there.
    static func launch(
        on replicas: [FakeReplica], in folder: String, urls: [String]? = nil,
        checkedMax: ByteCount = SQLiteCatalog.checkedAtOpeningMax, clock: TestClock = TestClock(),
        configure: (inout FileServerConfiguration) -> Void = { _ in }
    ) async throws -> Running {
        let catalog = try await SQLiteCatalog.open(
            at: folder, clock: clock.forCatalog, checkedMax: checkedMax)
        let urls = urls ?? replicas.indices.map(url)
        let fenced = replicas.map { FencedReplica($0) }
        let faulty = fenced.map { FaultyReplica($0) }
        var configuration = try configuration(urls)
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = FileServer(
            configuration: configuration, catalog: catalog,
            links: links(Dictionary(uniqueKeysWithValues: zip(urls, faulty)), fenced),
            logger: logger, clock: clock.forServer)
        let service = Task { try await server.run() }
        do {
            let port = try await server.port()
            let depot = TestDepot(
                replicas: replicas, links: faulty, clock: clock, folder: folder, catalog: catalog,
                server: server, port: port)
            return Running(depot: depot, service: service)
        } catch {
            service.cancel()
            _ = await service.result
            try catalog.close()
            throw error
        }
    }

    private static func configuration(_ urls: [String]) throws -> FileServerConfiguration {
        var configuration = FileServerConfiguration(
            host: "127.0.0.1", port: 0, replicas: urls.map { ReplicaConfiguration(url: $0) },
            token: try AccessToken(token), version: "test")
        configuration.timing.monitorInterval = .milliseconds(20)
        // Long enough for a machine that is busy with other things; only what really hangs takes as long.
        configuration.timing.probeLimit = .seconds(2)
        configuration.timing.stallLimit = .seconds(2)
        configuration.timing.chorePeriod = .milliseconds(50)
        configuration.timing.shutdownGrace = .seconds(1)
        return configuration
    }

    private static func links(
        _ byURL: [String: FaultyReplica], _ fenced: [FencedReplica]
    ) -> ReplicaLinks {
        let nobody = FakeReplica()
        nobody.mood = .unreachable
        return { replica, identity throws(DepotError) in
            for link in fenced { link.speaks(for: identity) }
            // What stands in the catalog for a member that a rebuild did not meet.
            if replica.url.hasSuffix(".invalid:7401") { return nobody }
            guard let link = byURL[replica.url] else {
                throw DepotError(.unreachable, "no such replica in this test")
            }
            return link
        }
    }

    /// Waits for something that happens soon; gives up after ten seconds.
    func eventually(
        _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record(what, sourceLocation: sourceLocation)
    }

    /// Waits for replicas that are being let in. A cluster of which a test takes the first member away before others
    /// follow has nobody left; some tests let nobody in, and are not waited for long.
    private func joined() async throws {
        let deadline = ContinuousClock.now + .seconds(3)
        while ContinuousClock.now < deadline,
            (try? await status().replicas.contains { $0.problem?.contains("it is new") == true })
                == true
        {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func status() async throws -> StatusBody {
        try await http.call(.GET, "/v1/status").json(StatusBody.self)
    }

    static func url(_ replica: Int) -> String { "http://r\(replica + 1):7401" }

    func state(of replica: Int) async throws -> StatusBody.Replica.State {
        let url = Self.url(replica)
        return try #require(try await status().replicas.first { $0.url == url }).state
    }

    func info(_ name: String) async throws -> FileInfoBody {
        try await http.call(.GET, "/v1/files/\(name)/info").json(FileInfoBody.self)
    }

    /// Good copies of each chunk, as the catalog has them.
    func goodCopies(_ name: String) async throws -> [ChunkID: Set<ReplicaID>] {
        var copies: [ChunkID: Set<ReplicaID>] = [:]
        for chunk in try await info(name).chunks {
            copies[chunk.id] = Set(chunk.holdings.filter { $0.state == .good }.map(\.replica))
        }
        return copies
    }
}
