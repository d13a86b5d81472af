import DepotCore
import DepotTestSupport
import DepotWire
import FoundationEssentials
import NIOCore
import Testing

/// Whoever answers, and whoever asks, can write any number. Sums of the numbers that one replica named near 2^64 ended the
/// FileServer, sizes that a FileServer named ended its client. Each number of each body becomes each extreme here: the
/// body is refused with the field's name, or every number in it is within the bounds of what can be added up.
@Suite struct ExtremeNumberTests {
    struct Body: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let golden: @Sendable () throws -> ByteBuffer
        /// Decodes, and gives what it is written as again.
        let rewrite: @Sendable (ByteBuffer) throws -> ByteBuffer

        init<Value: Codable & Sendable>(
            _ value: @autoclosure @escaping @Sendable () throws -> Value
        ) {
            testDescription = "\(Value.self)"
            golden = { try WireJSON.encode(value()) }
            rewrite = { try WireJSON.encode(WireJSON.decode(Value.self, from: $0)) }
        }
    }

    private static let chunk = ChunkReference(VerifiedObject(hashing: ByteBuffer(string: "chunk")))

    private static func receipt() throws -> Receipt {
        Receipt(
            deposit: .random(), name: try FileName("a/b"),
            sequence: CommitSequence(epoch: 1, counter: 2), manifest: .init(inline: chunk), size: 3,
            level: .three,
            copies: 3, chunks: 4, newChunks: 5, newBytes: 6, sharedBytes: 7)
    }

    private static func file() throws -> FileBody {
        FileBody(
            FileEntry(
                name: try FileName("a/b"), sequence: CommitSequence(epoch: 1, counter: 2),
                manifest: .init(inline: chunk), size: 9, level: .three,
                metadata: FileMetadata(mode: 0o644, modified: FileTime(nanoseconds: 11)), time: 12))
    }

    static let bodies = [
        Body(
            ReplicaStanding(
                replica: .random(),
                membership: ClusterMembership(cluster: .random(), epoch: 1, members: [.random()]),
                position: LogPosition(opens: 1, segment: 2, offset: 3),
                highestSequence: CommitSequence(epoch: 1, counter: 2), usedBytes: 4, freeBytes: 5,
                capacity: 6, chunks: 7, writable: true)),
        Body([
            SegmentInfo(
                id: SegmentID(number: 1, nonce: 2), bytes: 3, liveBytes: 4, liveCopies: 5,
                isSealed: true)
        ]),
        Body([SegmentProblem(offset: 1, what: "text")]),
        Body(CompactionReport(movedCopies: 1, movedBytes: 2, freedBytes: 3, pinnedBy: [])),
        Body(
            ScrubBody(segment: SegmentID(number: 1, nonce: 2), offset: 3, budget: 4)),
        Body(OpenDepositBody(deposit: .random(), level: .three, requireAll: true)),
        Body(
            DepositBody(
                deposit: .random(), leaseSeconds: 1, reachableReplicas: 2, cluster: .random())),
        Body(StoredBody(objects: 1)),
        Body(
            CommitBody(files: [
                .init(
                    name: try FileName("a/b"), manifest: .init(stored: chunk), size: 8,
                    metadata: FileMetadata(mode: 1, modified: FileTime(nanoseconds: 2)))
            ])),
        Body(CommitAnswerBody(results: [.init(receipt: ReceiptBody(try receipt()))])),
        Body(CommitAnswerBody(results: [.init(lacking: [chunk])])),
        Body(
            RetrievalBody(
                retrieval: .random(), leaseSeconds: 1, files: [.init(.success(try file()))])),
        Body(FileListBody(files: [try file()], hasMore: false)),
        Body(
            FileInfoBody(
                file: try file(),
                chunks: [
                    .init(
                        ChunkStatus(
                            copies: ChunkCopies(reference: chunk, holdings: []), target: 3),
                        counting: [])
                ], hasMore: false)),
        Body(
            LevelChangeBody(
                name: try FileName("a/b"), from: .one, to: .three, copied: 1, dropped: 2, pinned: 3,
                lacking: 4, bytesCopied: 5, planOnly: true,
                replicas: [
                    .init(replica: .random(), copied: 6, dropped: 7, bytesCopied: 8)
                ])),
        Body(
            DrainBody(
                replica: .random(), name: "r", state: .draining, chunksLeft: 1, bytesLeft: 2,
                recordsLeft: 3, depositsLeft: 4, unusedChunks: 5, stuckChunks: 6, bytesPerSecond: 7,
                secondsLeft: 8, problem: nil)),
        Body(
            StatusBody(
                cluster: ClusterIdentity(cluster: .random(), epoch: 1), version: "v",
                replicas: [
                    .init(
                        id: nil, name: "r", url: "u", zone: "z", state: .up, usedBytes: 1,
                        freeBytes: 2, chunks: 3, problem: nil)
                ],
                totals: CatalogTotals(
                    files: 1, logicalBytes: 2, uniqueBytes: 3, storedBytes: 4, underReplicated: 5,
                    chunks: [:]))),
        Body(
            VerifyBody(
                verification: .random(), replicas: nil, budgetSeconds: 1, ageSecondsMax: 2,
                repairs: true, isUnpaced: true)),
        Body(Self.verification),
        Body(
            CoverageBody(
                days: 1,
                replicas: [
                    .init(
                        name: "r", copies: 1, bytes: 2, checkedCopies: 3, checkedBytes: 4,
                        oldestDays: 5, bytesPerDay: 6)
                ])),
        Body(CollectBody(planOnly: true, graceSeconds: 1)),
        Body(CollectionBody(plan: CollectionPlan(), planOnly: true, graceSeconds: 1)),
    ]

    private static var verification: VerificationBody {
        var body = VerificationBody(verification: .random())
        body.replicas = [.init(name: "r")]
        body.problems = [
            VerificationProblem(
                kind: .corrupt, replica: "r", object: nil, segment: 1, files: [])
        ]
        return body
    }

    /// Numbers that are only shown, or are random.
    private static let free: Set<String> = [
        "nonce", "time", "seconds", "oldestDays", "bytesPerDay", "segment",
        "epoch",
    ]

    /// Fields of plain types with bounds of their own.
    private static let plain: Set<String> = [
        "epoch", "level", "length", "mode", "nonce", "number", "offset",
        "opens", "revision", "segment", "time", "seconds", "oldestDays", "bytesPerDay", "from",
        "to",
    ]

    @Test(arguments: bodies)
    func `a body with an extreme number is refused by name, or bounded`(_ body: Body) throws {
        let golden = try body.golden()
        #expect(try body.rewrite(golden) == golden)
        let mutations = NumberMutation.ofJSON(String(buffer: golden))
        #expect(!mutations.isEmpty)
        for mutation in mutations {
            do {
                let rewritten = String(buffer: try body.rewrite(ByteBuffer(string: mutation.text)))
                guard !Self.free.contains(mutation.place) else { continue }
                let number = Double(mutation.number) ?? 0
                #expect(abs(number) <= 0x1p60, "\(mutation) became \(rewritten)")
            } catch let error as DepotError {
                #expect(error.code == .invalidArgument, "\(mutation): \(error)")
                // The decoder does not name a field of a plain type that does not hold the number.
                let namesIt =
                    error.message.contains(mutation.place)
                    || ["a chunk has", "a replication level"].contains {
                        error.message.contains($0)
                    }
                    || Self.plain.contains(mutation.place)
                #expect(namesIt, "\(mutation): \(error)")
            }
        }
    }

    @Test func `binary lists and steps with extreme numbers are refused, or bounded`() throws {
        let id = ObjectID.chunk(Self.chunk.id)
        for number in ExtremeNumbers.unsigned {
            let word = UInt32(truncatingIfNeeded: number)
            var entry = ByteBuffer()
            id.write(to: &entry)
            entry.writeMultipleIntegers(word, word)
            if let found = try? WireList.decode(InventoryEntry.self, from: entry).first {
                #expect((0...Limits.chunkSizeMax).contains(found.length))
                #expect(found.segment <= SegmentID.numberMax)
            }
            var reference = ByteBuffer()
            reference.writeBytes(Self.chunk.id.bytes)
            reference.writeInteger(word)
            if let found = try? WireList.decode(ChunkReference.self, from: reference).first {
                #expect((1...Limits.chunkSizeMax).contains(found.length))
            }
            for (next, read, count) in [(number, 1, 0), (1, number, 0), (1, 1, word)] {
                var step = ByteBuffer()
                step.writeMultipleIntegers(UInt8(1), next, UInt64(read), UInt32(count))
                step.writeString("[]")
                if let found = try? ScrubStep(parsing: step) {
                    #expect(ByteCount.range.contains(found.next ?? 0))
                    #expect(ByteCount.range.contains(found.bytesRead))
                }
            }
        }
    }

    @Test func `a problem's text has its bound`() throws {
        func step(_ text: String) throws -> ByteBuffer {
            try ScrubStep(
                next: nil, bytesRead: 0, verdicts: [],
                problems: [SegmentProblem(offset: 0, what: text)]
            ).encoded()
        }
        let short = try step(String(repeating: "x", count: 512))
        #expect(try ScrubStep(parsing: short).problems.count == 1)
        let long = try step(String(repeating: "x", count: 513))
        #expect(throws: DepotError.self) { try ScrubStep(parsing: long) }
    }
}
