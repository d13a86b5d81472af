import DepotCore
import DepotWire
import NIOCore

extension FuzzTarget {
    private static let bodies: [@Sendable (ByteBuffer) -> Void] = [
        body(AdoptionBody.self), body(ChangeLevelBody.self), body(CollectBody.self),
        body(CollectionBody.self), body(CommitAnswerBody.self), body(CommitBody.self),
        body(CoverageBody.self), body(DepositBody.self), body(DrainBody.self),
        body(DrainRequestBody.self), body(ErrorEnvelope.self), body(FileInfoBody.self),
        body(FileListBody.self), body(ForgetRequestBody.self), body(ForgottenBody.self),
        body(HealthBody.self), body(LevelChangeBody.self), body(LockRequestBody.self),
        body(LockedBody.self), body(OpenDepositBody.self), body(OpenRetrievalBody.self),
        body(PolicyBody.self), body(PolicyListBody.self), body(PurgePlanBody.self),
        body(PurgedBody.self), body(ReceiptBody.self), body(ReceiptProofBody.self),
        body(RetrievalBody.self), body(RevertBody.self), body(RevertedBody.self),
        body(SimulationBody.self), body(SimulationRequestBody.self), body(StatusBody.self),
        body(StoredBody.self), body(VerificationBody.self), body(VerifyBody.self),
        body(VersionListBody.self),
    ]

    private static func body<Body: Decodable & Sendable>(
        _ body: Body.Type
    ) -> @Sendable (ByteBuffer) -> Void {
        { _ = try? WireJSON.decode(Body.self, from: $0) }
    }

    private static func list<Entry: WireListEntry>(_ kind: Entry.Type, _ bytes: ByteBuffer) {
        guard let entries = try? WireList.decode(kind, from: bytes) else { return }
        require(WireList.encode(entries) == bytes, "a list of \(kind) is spelled in two ways")
    }

    static let wire = [
        // The first byte says which body it is.
        FuzzTarget(name: "json") { bytes in
            var rest = bytes
            guard let first = rest.readInteger(as: UInt8.self) else { return }
            bodies[Int(first) % bodies.count](rest)
        },
        FuzzTarget(name: "lines") { bytes in
            _ = try? FileListBody(lines: bytes)
            _ = try? RetrievalBody(lines: bytes)
            if let answer = try? CommitAnswerBody(lines: bytes) {
                let again = try? CommitAnswerBody(lines: answer.lines())
                require(
                    again?.results.count == answer.results.count, "an answer does not come back")
            }
            guard let commit = try? CommitBody(lines: bytes) else { return }
            let again = try? CommitBody(lines: commit.lines)
            require(again?.files == commit.files, "a commit does not come back")
        },
        FuzzTarget(name: "list") { bytes in
            list(ChunkReference.self, bytes)
            list(LackingChunk.self, bytes)
            list(ObjectID.self, bytes)
            list(ReadRequest.self, bytes)
            list(InventoryEntry.self, bytes)
            _ = try? ScrubStep(parsing: bytes)
        },
        // The first byte says in how long parts it comes.
        FuzzTarget(name: "frames") { bytes in
            var (rest, parser, taken) = (bytes, ObjectFrameParser(), 0)
            guard let first = rest.readInteger(as: UInt8.self) else { return }
            let whole = rest.readableBytes
            while let part = rest.readSlice(length: min(rest.readableBytes, Int(first) + 1)),
                part.readableBytes > 0
            {
                parser.append(part)
                while let event = try? parser.next() {
                    if case .content(let content) = event { taken += content.readableBytes }
                }
            }
            _ = try? parser.finish()
            require(taken <= whole, "more content than came")
        },
        FuzzTarget(name: "percent") { bytes in
            let text = String(buffer: bytes)
            // Bytes are compared: two spellings of an accent are equal as texts.
            for plain in [text, try? PercentEncoding.decode(text)] {
                guard let plain else { continue }
                let encoded = PercentEncoding.encode(plain)
                require(
                    encoded.utf8.allSatisfy { (0x21...0x7E).contains($0) },
                    "what is encoded cannot be sent: \(encoded)")
                let decoded = try? PercentEncoding.decode(encoded)
                require(
                    decoded.map { Array($0.utf8) } == Array(plain.utf8),
                    "a text does not come back: \(encoded)")
            }
            if let trace = TraceID(text) {
                require(
                    trace.description.utf8.allSatisfy { (0x21...0x7E).contains($0) },
                    "an id that no header can have")
            }
        },
    ]
}
