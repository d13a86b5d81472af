import DepotCore
import DepotWire
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization

/// A FileServer across the network: one method a route.
///
/// Every request may be repeated: the ids of deposits and retrievals are the client's. So one that
/// found nobody, or a server that is busy, is tried again until `patience` is over: a FileServer
/// that is started again does not end the deposits that are under way. Where nobody listens from
/// the beginning, that is told sooner. Forgetting is not answered the second time as the first: it
/// keeps count of who may have heard it.
public final class FileServerClient: FileServerAPI {
    private let transport: ChunkTransport
    private let patience: Duration
    private let firstPatience: Duration
    private let onWaiting: @Sendable (DepotError) -> Void
    /// Whoever waits for less wants to hear of nothing.
    private static let silence = Duration.seconds(2)
    /// Many requests wait for one FileServer.
    private static let retelling = Duration.seconds(30)
    private let lastTold = Mutex<ContinuousClock.Instant?>(nil)
    /// Waits between two tries grow from here to there.
    private static let pause = (first: Duration.milliseconds(100), longest: Duration.seconds(2))

    /// - Parameters:
    ///   - firstPatience: for the time before the first connection.
    ///   - onWaiting: told why, twice a minute at most, when requests are tried again for two
    ///     seconds, or a question is not answered for as long.
    public init(
        transport: ChunkTransport, patience: Duration = .seconds(30),
        firstPatience: Duration = .seconds(2),
        onWaiting: @escaping @Sendable (DepotError) -> Void = { _ in }
    ) {
        self.transport = transport
        self.patience = patience
        self.firstPatience = min(patience, firstPatience)
        self.onWaiting = onWaiting
    }

    public func shutDown() { transport.shutDown() }

    // MARK: Deposits

    public func openDeposit(_ body: OpenDepositBody) async throws(DepotError) -> DepositBody {
        try await json(.POST, FileServerRoute.deposits, body: body)
    }

    public func negotiate(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        try await lacking(chunks, of: deposit, asking: "negotiation")
    }

    public func barrier(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        try await lacking(chunks, of: deposit, asking: "barrier")
    }

    private func lacking(
        _ chunks: [ChunkReference], of deposit: DepositID, asking question: String
    ) async throws(DepotError) -> [ChunkReference] {
        let request = WireRequest(
            .POST, "\(FileServerRoute.deposits)/\(deposit)/\(question)",
            body: WireList.encode(chunks), patience: .seconds(180))
        let answer = try await send(request)
        return try WireList.decode(LackingChunk.self, from: answer.body).map(\.chunk)
    }

    public func upload(
        _ deposit: DepositID, _ objects: [VerifiedObject]
    ) async throws(DepotError) {
        let request = WireRequest(
            .PUT, "\(FileServerRoute.deposits)/\(deposit)/chunks", patience: .seconds(120))
        let length = objects.reduce(0) { $0 + ObjectFrame.headerSize + $1.length }
        try await repeated { () throws(DepotError) in
            let exchange = try await self.transport.open(request, length: length)
            do throws(DepotError) {
                let body = BodyWriter(exchange)
                for object in objects { try await Self.write(object, to: body) }
                try await body.finish()
                let head = try await exchange.head()
                guard head.status.code < 400 else { throw await exchange.failure(head) }
                _ = try await exchange.collect(upTo: WireLimits.bodyBytesMax)
            } catch {
                exchange.cancel()
                throw error
            }
        }
    }

    private static func write(
        _ object: VerifiedObject, to body: BodyWriter
    ) async throws(DepotError) {
        var header = ByteBuffer()
        ObjectFrame(id: object.id, status: .present, length: object.length, replica: nil)
            .write(to: &header)
        try await body.write([header] + object.parts)
    }

    public func commit(
        _ deposit: DepositID, _ files: [CommitBody.File]
    ) async throws(DepotError) -> [CommitAnswerBody.Result] {
        let request = WireRequest(
            .POST, "\(FileServerRoute.deposits)/\(deposit)/commits?lines=true&durable=true",
            headers: ["content-type": WireLines.contentType], body: CommitBody(files: files).lines,
            patience: .seconds(180))
        let answer = try CommitAnswerBody(lines: try await send(request).body)
        guard answer.results.count == files.count else {
            throw DepotError(
                .internalError, "\(answer.results.count) results came for \(files.count) files")
        }
        return answer.results
    }

    public func closeDeposit(_ deposit: DepositID) async throws(DepotError) {
        _ = try await send(WireRequest(.DELETE, "\(FileServerRoute.deposits)/\(deposit)"))
    }

    // MARK: Retrievals

    public func openRetrieval(
        _ body: OpenRetrievalBody
    ) async throws(DepotError) -> RetrievalBody {
        let request = try Self.request(
            .POST, "\(FileServerRoute.retrievals)?lines=true", body: body)
        return try RetrievalBody(lines: try await send(request).body)
    }

    public func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError) {
        _ = try await send(WireRequest(.DELETE, "\(FileServerRoute.retrievals)/\(retrieval)"))
    }

    public func fetch(
        _ retrieval: RetrievalID, _ requests: [ReadRequest]
    ) async throws(DepotError) -> [FetchedChunk] {
        let request = WireRequest(
            .POST, "\(FileServerRoute.retrievals)/\(retrieval)/chunks",
            body: WireList.encode(requests), patience: .seconds(120))
        return try await repeated { () throws(DepotError) in
            let (exchange, _) = try await self.transport.ask(request)
            do throws(DepotError) {
                return try await Self.collect(requests, from: exchange)
            } catch {
                exchange.cancel()
                guard error.code != .unreachable else { throw error }
                // Changed on its way, perhaps; then it comes right when it is asked for again.
                throw DepotError(.unreachable, "the answer makes no sense", cause: error)
            }
        }
    }

    private static func collect(
        _ requests: [ReadRequest], from exchange: WireExchange
    ) async throws(DepotError) -> [FetchedChunk] {
        var parser = ObjectFrameParser()
        var batch = FetchedBatch(of: requests)
        while let bytes = try await exchange.next() {
            parser.append(bytes)
            while let event = try parser.next() { try batch.take(event) }
        }
        // A FileServer that lost all copies in the middle of a batch ends it early.
        try parser.finish()
        return try batch.finish()
    }

    // MARK: Files

    public func files(
        _ moment: ListMoment, prefix: String, after: FileName?
    ) async throws(DepotError) -> FileListBody {
        var path = "\(FileServerRoute.files)?lines=true&limit=\(WireLimits.pageEntriesMax)"
        path += "&prefix=\(PercentEncoding.encode(prefix))"
        if let after { path += "&after=\(PercentEncoding.encode(after.text))" }
        switch moment {
        case .now: break
        case .at(let time): path += "&at=\(time)"
        case .beforeDeletion: path += "&deleted=true"
        }
        return try FileListBody(lines: try await send(WireRequest(.GET, path)).body)
    }

    public func info(
        of name: FileName, after: ChunkID?
    ) async throws(DepotError) -> FileInfoBody {
        var path = "\(Self.path(of: name))/info?limit=\(WireLimits.pageEntriesMax)"
        if let after { path += "&after=\(after)" }
        return try await json(WireRequest(.GET, path))
    }

    /// Takes as long as copying and checking takes.
    public func changeLevel(
        of name: FileName, _ body: ChangeLevelBody
    ) async throws(DepotError) -> LevelChangeBody {
        try await json(
            .POST, "\(Self.path(of: name))/level", headers: Self.newRequest, body: body,
            patience: .hours(24))
    }

    public func delete(_ name: FileName) async throws(DepotError) {
        // Longer than the FileServer waits for a replica that does not answer.
        _ = try await send(
            WireRequest(
                .DELETE, Self.path(of: name), headers: Self.newRequest, patience: .seconds(180)))
    }

    /// The answer to an earlier try may have been lost after the work was done: all tries have one
    /// id.
    static var newRequest: HTTPHeaders {
        [FileServerRoute.request: "\(RequestID.random())"]
    }

    public func status() async throws(DepotError) -> StatusBody {
        try await json(WireRequest(.GET, FileServerRoute.status))
    }

    /// Asks once: whoever wants to know wants to know now.
    public func health() async throws(DepotError) -> HealthBody {
        let answer = try await transport.send(WireRequest(.GET, FileServerRoute.health))
        return try WireJSON.decode(HealthBody.self, from: answer.body)
    }

    // MARK: Requests

    static func path(of name: FileName) -> String {
        "\(FileServerRoute.files)/\(PercentEncoding.encode(name.text))"
    }

    func json<Answer: Decodable & Sendable>(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: some Encodable,
        patience: TimeAmount = .seconds(180), delivery: Delivery? = nil
    ) async throws(DepotError) -> Answer {
        try await json(
            try Self.request(
                method, path, headers: headers, body: body, patience: patience, delivery: delivery))
    }

    private static func request(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: some Encodable,
        patience: TimeAmount = .seconds(180), delivery: Delivery? = nil
    ) throws(DepotError) -> WireRequest {
        var headers = headers
        headers.add(name: "content-type", value: "application/json")
        return WireRequest(
            method, path, headers: headers, body: try WireJSON.encode(body), patience: patience,
            delivery: delivery)
    }

    func json<Answer: Decodable & Sendable>(
        _ request: WireRequest
    ) async throws(DepotError) -> Answer {
        try WireJSON.decode(Answer.self, from: try await send(request).body)
    }

    func send(_ request: WireRequest) async throws(DepotError) -> WireAnswer {
        try await repeated { () throws(DepotError) in
            // Of each try. Whoever changes something, or moves content, is told how far it is.
            let watch = request.method == .GET ? Task { try await self.tellOfSilence() } : nil
            defer { watch?.cancel() }
            // A page of chunks with their holdings may be a few MiB.
            return try await self.transport.send(request, answerUpTo: 16 << 20)
        }
    }

    private func tellOfSilence() async throws {
        try await Task.sleep(for: Self.silence)
        tell(of: DepotError(.unreachable, "the FileServer has not answered yet"))
    }

    private func tell(of error: DepotError) {
        let isNews = lastTold.withLock { last in
            let now = ContinuousClock.now
            guard last.map({ now - $0 > Self.retelling }) ?? true else { return false }
            last = now
            return true
        }
        if isNews { onWaiting(error) }
    }

    private func repeated<Value: Sendable>(
        _ body: @Sendable () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let (began, awake) = (ContinuousClock.now, AwakeTime.shared.elapsed)
        var pause = Self.pause.first
        while true {
            do throws(DepotError) {
                return try await body()
            } catch {
                let limit = transport.hasConnected ? patience : firstPatience
                // The first where nothing was stopped: it is the finer one.
                let tried = min(
                    ContinuousClock.now - began,
                    AwakeTime.shared.elapsed - awake + .seconds(1))
                guard error.code == .unreachable || error.code == .busy,
                    tried + pause < limit, !Task.isCancelled
                else { throw error }
                if tried > Self.silence { tell(of: error) }
            }
            // A cancellation shows in the next try.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.pause.longest)
        }
    }
}
