import DepotCore
import DepotReplica
import DepotReplicaLink
import DepotTestSupport
import DepotWire
import Logging
import NIOCore

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// The shipping server on a storage of the test's, at a free port of this machine.
struct TestReplica {
    static let token = "cluster-token-of-the-tests"
    static let membership = ClusterMembership(cluster: .random(), epoch: 3, members: [])

    let port: Int
    private let running: Task<Void, any Error>

    static func start(
        _ storage: any ChunkStorage,
        _ configure: (inout ReplicaServerConfiguration) -> Void = { _ in }
    ) async throws -> TestReplica {
        let server = ReplicaServer(
            storage: storage, configuration: try configuration(configure), logger: quiet)
        let running = Task { try await server.run() }
        return TestReplica(port: try await server.port(), running: running)
    }

    static func configuration(
        _ configure: (inout ReplicaServerConfiguration) -> Void = { _ in }
    ) throws -> ReplicaServerConfiguration {
        var configuration = ReplicaServerConfiguration(
            host: "127.0.0.1", port: 0, token: try AccessToken(token))
        configuration.shutdownGrace = .seconds(1)
        configure(&configuration)
        return configuration
    }

    func stop() async {
        running.cancel()
        _ = await running.result
    }

    /// Runs a replica that belongs to `membership`, and stops it.
    static func run<Result>(
        _ storage: any ChunkStorage,
        _ configure: (inout ReplicaServerConfiguration) -> Void = { _ in },
        _ body: (TestReplica) async throws -> Result
    ) async throws -> Result {
        _ = try await storage.adopt(membership)
        let replica = try await start(storage, configure)
        do {
            let result = try await body(replica)
            await replica.stop()
            return result
        } catch {
            await replica.stop()
            throw error
        }
    }

    /// The FileServer's end of it.
    func remote() throws -> RemoteReplica {
        let transport = ChunkTransport(
            endpoint: Endpoint(host: "127.0.0.1", port: port), token: try AccessToken(Self.token))
        return RemoteReplica(
            transport: transport,
            cluster: ClusterIdentity(
                cluster: Self.membership.cluster, epoch: Self.membership.epoch))
    }
}

/// A request of which a test chooses each part.
struct PlainRequest {
    var method: String
    var path: String
    var authorization: String? = "Bearer \(TestReplica.token)"
    var cluster: String? = TestReplica.membership.cluster.description
    var epoch: String? = String(TestReplica.membership.epoch)
    var body = ByteBuffer()
    /// What the head promises, where that is not the truth.
    var declared: Int?
    var closes = false
    var digest: String?

    init(_ method: String, _ path: String, body: ByteBuffer = ByteBuffer()) {
        self.method = method
        self.path = path
        self.body = body
    }

    static func put(_ body: ByteBuffer) -> PlainRequest {
        PlainRequest("PUT", ReplicaRoute.objects.rawValue, body: body)
    }

    var bytes: ByteBuffer {
        var head = "\(method) \(path) HTTP/1.1\r\nhost: replica\r\n"
        if let authorization { head += "authorization: \(authorization)\r\n" }
        if let cluster { head += "\(ReplicaHeader.cluster): \(cluster)\r\n" }
        if let epoch { head += "\(ReplicaHeader.epoch): \(epoch)\r\n" }
        if let digest { head += "\(BodyDigest.header): \(digest)\r\n" }
        if closes { head += "connection: close\r\n" }
        var bytes = ByteBuffer(
            string: head + "content-length: \(declared ?? body.readableBytes)\r\n\r\n")
        bytes.writeImmutableBuffer(body)
        return bytes
    }
}

extension TestReplica {
    /// Sends the request over a connection of its own.
    func answer(to request: PlainRequest) async throws -> RawMessage? {
        try await RawConnection.open(port: port) { connection in
            try await connection.send(request.bytes)
            return try await connection.message()
        }
    }
}

extension RawMessage {
    var error: ErrorEnvelope.Body? {
        (try? WireJSON.decode(ErrorEnvelope.self, from: body))?.error
    }
}

extension VerifiedObject {
    /// As large as objects are.
    static let large = plain(0, size: Limits.chunkSizeMax)

    /// One byte again and again, where there is much of it: random ones take their time to make.
    static func plain(_ byte: UInt8, size: Int) -> VerifiedObject {
        VerifiedObject(hashing: ByteBuffer(repeating: byte, count: size))
    }
}

extension ByteBuffer {
    /// Objects as a batch has them.
    static func frames(of objects: [VerifiedObject]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for object in objects {
            ObjectFrame(id: object.id, status: .present, length: object.length, replica: nil)
                .write(to: &buffer)
            buffer.writeImmutableBuffer(object.contiguous)
        }
        return buffer
    }

    /// A frame's header alone.
    static func frame(_ id: ObjectID, length: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        ObjectFrame(id: id, status: .present, length: length, replica: nil).write(to: &buffer)
        return buffer
    }
}
