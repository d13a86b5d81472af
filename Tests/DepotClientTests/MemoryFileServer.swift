import DepotClient
import DepotCore
import DepotWire
import NIOCore
import Synchronization

/// A FileServer in memory, with bad days to order.
final class MemoryFileServer: FileServerAPI {
    enum Call: Hashable, Sendable {
        case openDeposit, negotiate, upload, barrier, commit, closeDeposit
        case openRetrieval, fetch, closeRetrieval, files
    }

    struct State {
        var chunks: [ChunkID: ByteBuffer] = [:]
        /// What a barrier of the lease that is open has proved.
        var proved: Set<ChunkID> = []
        var files: [FileName: FileBody] = [:]
        var calls: [Call: Int] = [:]
        /// What is thrown, and at which call, counted from 1.
        var faults: [Call: [Int: DepotError.Code]] = [:]
        /// Uploads are remembered here in the order that they came.
        var uploads: [[ChunkReference]] = []
        /// Chunks of a barrier that are lost before it; of a commit.
        var lostAtBarrier: @Sendable (_ call: Int, ChunkReference) -> Bool = { _, _ in false }
        var lostAtCommit: @Sendable (_ call: Int, ChunkID) -> Bool = { _, _ in false }
        var refused: [FileName: DepotError.Code] = [:]
        /// A commit with this file is refused as a whole.
        var refusedWith: FileName?
        var hasLease = false
        var cluster: ClusterID? = .random()
        var copies = 3
        var level = ReplicationLevel.three
        /// Who gives wrong bytes, of which chunks.
        var corrupt: @Sendable (ReplicaID, ChunkID) -> Bool = { _, _ in false }
        var absent: @Sendable (ChunkID) -> Bool = { _ in false }
        /// Who has what is absent, and does not answer.
        var silent: ReplicaID?
        var rewrite: @Sendable ([FetchedChunk]) -> [FetchedChunk] = { $0 }
        /// Told before a call is answered.
        var before: @Sendable (Call, Int) async -> Void = { _, _ in }
        var keepsContent = true
        /// What is listed or answered instead of what is there.
        var listed: (@Sendable (_ call: Int) -> FileListBody)?
        var answered: FileName?
        /// Names of one page.
        var pageMax = Int.max
    }

    let replicas = [ReplicaID.random(), .random(), .random()]
    private let state: Mutex<State>

    init(_ set: (inout State) -> Void = { _ in }) {
        var state = State()
        set(&state)
        self.state = Mutex(state)
    }

    func set(_ change: (inout sending State) -> Void) { state.withLock { change(&$0) } }
    func calls(_ call: Call) -> Int { state.withLock { $0.calls[call] ?? 0 } }
    var files: [FileName: FileBody] { state.withLock { $0.files } }
    var chunkCount: Int { state.withLock { $0.chunks.count } }
    var uploads: [[ChunkReference]] { state.withLock { $0.uploads } }
    func chunk(_ id: ChunkID) -> ByteBuffer? { state.withLock { $0.chunks[id] } }

    @discardableResult
    private func count(
        _ call: Call, needsLease: Bool = true
    ) async throws(DepotError) -> Int {
        let (number, before) = state.withLock { state in
            state.calls[call, default: 0] += 1
            return (state.calls[call] ?? 0, state.before)
        }
        await before(call, number)
        let fault: DepotError.Code? = state.withLock { state in
            let fault = state.faults[call]?[number]
            if fault == .leaseEnded {
                state.hasLease = false
                state.proved = []
            }
            return fault ?? (needsLease && !state.hasLease ? .leaseEnded : nil)
        }
        if let fault { throw DepotError(fault, "as ordered, at call \(number) of \(call)") }
        return number
    }

    // MARK: Deposits

    func openDeposit(_ body: OpenDepositBody) async throws(DepotError) -> DepositBody {
        try await count(.openDeposit, needsLease: false)
        state.withLock {
            $0.hasLease = true
            $0.level = body.level
        }
        return DepositBody(
            deposit: body.deposit, leaseSeconds: 60, reachableReplicas: 3,
            cluster: state.withLock { $0.cluster })
    }

    func negotiate(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        try await count(.negotiate)
        return state.withLock { state in chunks.filter { state.chunks[$0.id] == nil } }
    }

    func upload(
        _ deposit: DepositID, _ objects: [VerifiedObject]
    ) async throws(DepotError) {
        try await count(.upload)
        state.withLock { state in
            state.uploads.append(objects.map { ChunkReference($0) })
            for object in objects {
                state.chunks[object.id.hash] =
                    state.keepsContent ? ByteBuffer(buffer: object.contiguous) : ByteBuffer()
            }
        }
    }

    func barrier(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        let number = try await count(.barrier)
        return state.withLock { Self.prove(chunks, number, &$0) }
    }

    private static func prove(
        _ chunks: [ChunkReference], _ number: Int, _ state: inout State
    ) -> [ChunkReference] {
        chunks.filter { chunk in
            if state.lostAtBarrier(number, chunk) { state.chunks[chunk.id] = nil }
            guard state.chunks[chunk.id] != nil else { return true }
            state.proved.insert(chunk.id)
            return false
        }
    }

    func commit(
        _ deposit: DepositID, _ files: [CommitBody.File]
    ) async throws(DepotError) -> [CommitAnswerBody.Result] {
        let number = try await count(.commit)
        let inline = Set(files.compactMap(\.manifest.chunk))
        let unproved = state.withLock { state in inline.filter { !state.proved.contains($0.id) } }
        if !unproved.isEmpty {
            // The barrier that a FileServer passes with such files.
            let barrier = try await count(.barrier)
            state.withLock { _ = Self.prove(Array(unproved), barrier, &$0) }
        }
        return try state.withLock { state throws(DepotError) in
            guard !files.contains(where: { $0.name == state.refusedWith }) else {
                throw DepotError(.storageFull, "as ordered")
            }
            var results: [CommitAnswerBody.Result] = []
            for file in files { results.append(try Self.commit(file, deposit, number, &state)) }
            return results
        }
    }

    private static func commit(
        _ file: CommitBody.File, _ deposit: DepositID, _ number: Int, _ state: inout State
    ) throws(DepotError) -> CommitAnswerBody.Result {
        if let code = state.refused[file.name] {
            return .init(error: DepotError(code, "as ordered", object: file.name.text))
        }
        var lacking = Set<ChunkReference>()
        let content = try lists(of: file.manifest, &lacking, number, &state)
        guard lacking.isEmpty else { return .init(lacking: Array(lacking)) }
        let receipt = Receipt(
            deposit: deposit, name: file.name,
            sequence: CommitSequence(epoch: 1, counter: UInt64(state.files.count + 1)),
            manifest: file.manifest, size: file.size, level: state.level, copies: state.copies,
            chunks: content, newChunks: content, newBytes: file.size, sharedBytes: 0)
        state.files[file.name] = FileBody(
            FileEntry(
                name: file.name, sequence: receipt.sequence, manifest: file.manifest,
                size: file.size, level: state.level, metadata: file.metadata, time: 0))
        return .init(receipt: ReceiptBody(receipt))
    }

    /// Goes through everything that a file consists of.
    ///
    /// - Returns: how many content chunks it has.
    private static func lists(
        of manifest: ManifestReference, _ lacking: inout Set<ChunkReference>, _ number: Int,
        _ state: inout State
    ) throws(DepotError) -> Int {
        func text(_ chunk: ChunkReference) -> ByteBuffer? {
            if state.lostAtCommit(number, chunk.id) {
                state.chunks[chunk.id] = nil
                state.proved.remove(chunk.id)
            }
            guard state.proved.contains(chunk.id), let bytes = state.chunks[chunk.id] else {
                lacking.insert(chunk)
                return nil
            }
            return bytes
        }
        if manifest.isInline {
            if let only = manifest.chunk { _ = text(only) }
            return manifest.chunk == nil ? 0 : 1
        }
        guard let root = text(manifest.text), root.readableBytes > 0 else { return 0 }
        var walk = ManifestWalk(try Manifest(parsing: root))
        var count = 0
        while true {
            switch walk.next() {
            case .piece(let piece):
                guard let bytes = text(piece) else { return count }
                try walk.take(VerifiedObject(hashing: bytes))
            case .chunks(let chunks):
                for chunk in chunks { _ = text(chunk.reference) }
                count += chunks.count
            case .end: return count
            }
        }
    }

    func closeDeposit(_ deposit: DepositID) async throws(DepotError) {
        try await count(.closeDeposit, needsLease: false)
        state.withLock { $0.hasLease = false }
    }

    // MARK: Retrievals

    func openRetrieval(_ body: OpenRetrievalBody) async throws(DepotError) -> RetrievalBody {
        try await count(.openRetrieval, needsLease: false)
        let found = body.names.map { name -> Result<FileBody, DepotError> in
            files[state.withLock { $0.answered } ?? name].map { .success($0) }
                ?? .failure(DepotError(.notFound, "no such file", object: name.text))
        }
        return RetrievalBody(
            retrieval: body.retrieval, leaseSeconds: 60, files: found.map(RetrievalBody.Found.init))
    }

    func fetch(
        _ retrieval: RetrievalID, _ requests: [ReadRequest]
    ) async throws(DepotError) -> [FetchedChunk] {
        try await count(.fetch, needsLease: false)
        let answers = state.withLock { state in requests.map { answer($0, state) } }
        return state.withLock { $0.rewrite }(answers)
    }

    private func answer(_ request: ReadRequest, _ state: State) -> FetchedChunk {
        let id = request.chunk.id
        let avoid = Set(request.avoid.map(\.replica))
        guard !state.absent(id), let replica = replicas.first(where: { !avoid.contains($0) }),
            var bytes = state.chunks[id]
        else { return .absent(silent: state.silent) }
        if state.corrupt(replica, id), let byte = bytes.getInteger(at: 0, as: UInt8.self) {
            bytes.setInteger(byte ^ 1, at: 0)
        }
        return .found(
            StoredObject(id: .chunk(id), length: bytes.readableBytes, bytes: .memory([bytes])),
            from: replica, missing: [])
    }

    func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError) {
        try await count(.closeRetrieval, needsLease: false)
    }

    func files(
        _ moment: ListMoment, prefix: String, after: FileName?
    ) async throws(DepotError) -> FileListBody {
        let number = try await count(.files, needsLease: false)
        if let listed = state.withLock({ $0.listed }) { return listed(number) }
        let found = files.values.filter { file in
            file.name.text.hasPrefix(prefix) && (after.map { file.name > $0 } ?? true)
        }
        let page = found.sorted { $0.name < $1.name }.prefix(state.withLock { $0.pageMax })
        return FileListBody(files: Array(page), hasMore: page.count < found.count)
    }
}
