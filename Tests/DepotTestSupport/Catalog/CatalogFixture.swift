import DepotCore
import FoundationEssentials
import Testing

/// A fresh catalog whose time the test moves, and words for telling stories with it.
public struct CatalogFixture: Sendable {
    public let catalog: any Catalog
    /// Lets the catalog's running time pass.
    public let advance: @Sendable (Duration) -> Void
    /// Sets the clock on the wall that the catalog looks at: seconds since 1970.
    public let setCalendar: @Sendable (Int64) -> Void

    /// What that clock says at first.
    public static let calendarStart: Int64 = 1_700_000_000
    public static let lease = Duration.seconds(600)

    public init(
        catalog: any Catalog, advance: @escaping @Sendable (Duration) -> Void,
        setCalendar: @escaping @Sendable (Int64) -> Void = { _ in }
    ) {
        self.catalog = catalog
        self.advance = advance
        self.setCalendar = setCalendar
    }

    // MARK: Nouns

    public static func replica(_ number: UInt8) -> ReplicaID {
        ReplicaID(uuid: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number)))
    }

    public static func member(_ number: UInt8) -> Member {
        Member(
            replica: replica(number), name: "r\(number)", url: "http://r\(number):7401",
            zone: "zone", capacity: ByteCount(1 << 40),
            position: LogPosition(opens: 1, segment: 1, offset: 0))
    }

    public static func chunk(_ seed: String, length: Int = 1_000) throws -> ChunkReference {
        try ChunkReference(id: ChunkID(hashing: seed), length: length)
    }

    public static func chunks(_ seeds: Range<Int>) throws -> [ChunkReference] {
        try seeds.map { try chunk("chunk \($0)", length: 1_000 + $0 % 7) }
    }

    /// Stands for the manifest that lists these chunks.
    public static func manifest(_ chunks: [ChunkReference]) throws -> ChunkReference {
        let text = chunks.map { "\($0.id) \($0.length)" }.joined(separator: "\n")
        return try chunk("manifest\n\(text)", length: 100 + chunks.count)
    }

    public static func commit(_ name: String, _ chunks: [ChunkReference]) throws -> FileCommit {
        try FileCommit(
            name: FileName(name), manifest: ManifestReference(stored: manifest(chunks)),
            size: chunks.reduce(0) { $0 + UInt64($1.length) },
            metadata: FileMetadata(
                mode: 0o644, modified: FileTime(nanoseconds: 5), contentType: "text/plain"),
            chunks: chunks.count)
    }

    /// A file that is this chunk alone: its manifest is inline.
    public static func commit(_ name: String, only chunk: ChunkReference) throws -> FileCommit {
        try FileCommit(
            name: FileName(name), manifest: ManifestReference(inline: chunk),
            size: UInt64(chunk.length), metadata: FileMetadata(), chunks: 1)
    }

    public static func replicas(_ numbers: ClosedRange<UInt8>) -> Set<ReplicaID> {
        Set(numbers.map { replica($0) })
    }

    // MARK: Verbs

    public func admit(_ numbers: ClosedRange<UInt8>) async throws {
        for number in numbers { try await catalog.admit(Self.member(number)) }
    }

    public func open(level: Int) async throws -> DepositID {
        let deposit = DepositID.random()
        try await catalog.openDeposit(
            DepositOpening(
                deposit: deposit, level: ReplicationLevel(level), lease: Self.lease))
        return deposit
    }

    /// Negotiates these, and has the replicas vouch for them.
    public func send(
        _ chunks: [ChunkReference], to replicas: Set<ReplicaID>, in deposit: DepositID
    ) async throws {
        _ = try await catalog.negotiate(
            deposit, chunks: chunks, live: replicas, copies: replicas.count)
        let durable = Dictionary(chunks.map { ($0, replicas) }) { first, _ in first }
        try await catalog.prove(
            BarrierProof(durable: durable), asOf: catalog.mark(), deposit: deposit)
    }

    /// Everything before the commit.
    public func prepare(
        _ chunks: [ChunkReference], on replicas: Set<ReplicaID>, in deposit: DepositID
    ) async throws {
        let manifest = try Self.manifest(chunks)
        try await send(chunks + [manifest], to: replicas, in: deposit)
        try await catalog.stage(
            manifest: manifest, uses: chunks, pieces: [], isLast: true, deposit: deposit)
    }

    public func outcome(
        _ file: FileCommit, in deposit: DepositID, copies: Int, time: Int64 = 77
    ) async throws -> CommitOutcome {
        let outcomes = try await catalog.commit(
            [file], deposit: deposit, copiesRequired: copies, time: time)
        return try #require(outcomes.first)
    }

    /// Commits files of one chunk whose barrier is in the commit.
    ///
    /// - Parameter mark: `nil` for that of now.
    public func commit(
        _ files: [FileCommit], in deposit: DepositID,
        hearing durable: [ChunkReference: Set<ReplicaID>], asOf mark: CatalogMark? = nil
    ) async throws -> [CommitOutcome] {
        let now = try await catalog.mark()
        return try await catalog.commit(
            files, deposit: deposit, copiesRequired: 2, time: 77,
            hearing: BarrierWord(BarrierProof(durable: durable), asOf: mark ?? now))
    }

    /// A whole deposit of one file at level `replicas.count`, or another one.
    @discardableResult
    public func deposit(
        _ name: String, _ chunks: [ChunkReference], on replicas: Set<ReplicaID>, level: Int? = nil,
        keepingLease: DepositID? = nil
    ) async throws -> Receipt {
        let level = level ?? replicas.count
        var deposit = keepingLease
        if deposit == nil { deposit = try await open(level: level) }
        let id = try #require(deposit)
        try await prepare(chunks, on: replicas, in: id)
        let outcome = try await outcome(Self.commit(name, chunks), in: id, copies: level)
        if keepingLease == nil { try await catalog.closeDeposit(id) }
        return try outcome.receipt
    }

    /// A whole deposit of a file that is one chunk, at the level that it has replicas.
    @discardableResult
    public func depositOnly(
        _ name: String, _ seed: String, on numbers: ClosedRange<UInt8>
    ) async throws -> ChunkReference {
        let chunk = try Self.chunk(seed)
        let deposit = try await open(level: numbers.count)
        try await send([chunk], to: Self.replicas(numbers), in: deposit)
        let receipt = try await outcome(
            Self.commit(name, only: chunk), in: deposit, copies: numbers.count
        ).receipt
        #expect(receipt.manifest == ManifestReference(inline: chunk))
        try await catalog.closeDeposit(deposit)
        try await deliver(on: numbers)
        return chunk
    }

    public func status(_ chunk: ChunkReference) async throws -> ChunkStatus? {
        try await catalog.statuses(of: [chunk.id]).first ?? nil
    }

    /// The state of one copy; `nil` where there is none.
    public func state(_ chunk: ChunkReference, on number: UInt8) async throws -> HoldingState? {
        try await status(chunk)?.holdings.first { $0.replica == Self.replica(number) }?.state
    }

    /// All chunks whose copy there has the state.
    public func holdings(
        on number: UInt8, state: HoldingState, after start: ChunkPlace? = nil, limit: Int
    ) async throws -> [ChunkReference] {
        var all: [ChunkReference] = []
        var cursor = start
        repeat {
            let page = try await catalog.holdings(
                on: Self.replica(number), state: state, after: cursor, limit: limit)
            #expect(page.chunks.count <= limit)
            all += page.chunks
            cursor = page.next
        } while cursor != nil
        return all
    }

    public func settle(
        _ chunk: ChunkReference, _ verdict: CheckVerdict, on number: UInt8
    ) async throws {
        try await catalog.settle(
            [chunk.id: verdict], on: Self.replica(number), asOf: catalog.mark())
    }

    /// Asks the gate for one copy, with these others just hashed.
    public func release(
        _ chunk: ChunkReference, on number: UInt8, hashed: ClosedRange<UInt8>
    ) async throws -> Bool {
        let released = try await catalog.release(
            [chunk.id], on: Self.replica(number),
            hashedJustBefore: [chunk.id: Self.replicas(hashed)], asOf: catalog.mark())
        return released == [chunk.id]
    }

    /// Expects that `body` throws this.
    public func expect(
        _ code: DepotError.Code, _ where: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("expected \(code), and nothing was thrown", sourceLocation: `where`)
        } catch let error as DepotError {
            #expect(error.code == code, "\(error)", sourceLocation: `where`)
        } catch {
            Issue.record("expected \(code), thrown was \(error)", sourceLocation: `where`)
        }
    }
}

extension CommitOutcome {
    public var receipt: Receipt {
        get throws {
            guard case .committed(let receipt, _) = self else {
                throw DepotError(.notEnoughReplicas, "not committed: \(self)")
            }
            return receipt
        }
    }

    public var lacking: Set<ChunkID> {
        guard case .lacking(let chunks) = self else { return [] }
        return Set(chunks.map(\.id))
    }
}

extension DepositCatalog {
    /// One page of one manifest, of which all was vouched for.
    public func stage(
        manifest: ChunkReference, uses chunks: [ChunkReference], pieces: [ChunkReference],
        isLast: Bool, deposit: DepositID
    ) async throws(DepotError) {
        let lacking = try await stage(
            [ManifestPage(of: manifest, chunks: chunks, pieces: pieces, isLast: isLast)],
            deposit: deposit)
        guard lacking.isEmpty else {
            throw DepotError(
                .notEnoughReplicas, "not staged: nobody vouched for \(lacking.count) chunks",
                object: lacking.first?.id.hex)
        }
    }
}
