import NIOCore
import Testing

@testable import DepotCore

@Suite struct ManifestWalkTests {
    private func piece(_ chunks: ArraySlice<ChunkReference>) -> VerifiedObject {
        var text = ByteBuffer()
        for chunk in chunks { ManifestText.write(chunk, to: &text) }
        return VerifiedObject(hashing: text)
    }

    /// Walks pieces to the end.
    private func walk(_ pieces: [VerifiedObject], size: UInt64) throws(DepotError) {
        let manifest = Manifest(
            depth: .pieces, size: size, entries: pieces.map { ChunkReference($0) })
        var walk = ManifestWalk(try Manifest(parsing: manifest.encoded))
        var rest = pieces[...]
        while true {
            switch walk.next() {
            case .piece: if let piece = rest.popFirst() { try walk.take(piece) }
            case .chunks: break
            case .end: return
            }
        }
    }

    private func expectInvalid(
        _ pieces: [VerifiedObject], size: UInt64, _ part: String, at piece: VerifiedObject? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do throws(DepotError) {
            try walk(pieces, size: size)
            Issue.record("accepted", sourceLocation: sourceLocation)
        } catch {
            #expect(error.code == .manifestInvalid, sourceLocation: sourceLocation)
            #expect(
                error.message.contains(part), "\(error.message)", sourceLocation: sourceLocation)
            if let piece {
                #expect(error.object == piece.id.hash.hex, sourceLocation: sourceLocation)
            }
        }
    }

    @Test func `a manifest of depth 0 is one step`() throws {
        let chunks = try StoredManifest.chunks(lineBytes: 73 * 3)
        #expect(
            try StoredManifest(chunks).walked()
                == zip([0, 1_000_000, 2_000_000] as [UInt64], chunks).map {
                    PlacedChunk(offset: $0, reference: $1)
                })
    }

    @Test func `pieces must add up, be full and be those that are named`() throws {
        let chunks = try StoredManifest.chunks(lineBytes: Limits.manifestSizeMax + 73 * 10)
        let size = chunks.reduce(UInt64(0)) { $0 + UInt64($1.length) }
        let stored = try StoredManifest(chunks)
        try walk(stored.pieces, size: size)

        expectInvalid(stored.pieces, size: size + 1, "the manifest says size \(size + 1)")
        expectInvalid(stored.pieces, size: size - 1, "the manifest says size \(size - 1)")
        // Already the first piece is too much.
        expectInvalid(
            stored.pieces, size: 50_000_000_000, "the manifest says size 50000000000",
            at: stored.pieces[0])
        // The first piece has room for another line, the lengths of pieces alone would do.
        let cut = Limits.manifestSizeMax / ManifestText.lineLengthMax - 1
        expectInvalid([piece(chunks[..<cut]), piece(chunks[cut...])], size: size, "its pieces")
        // A file so small that depth 0 would do.
        expectInvalid([piece(chunks[..<5])], size: 5, "its pieces")

        var walk = ManifestWalk(try stored.manifest())
        do throws(DepotError) {
            try walk.take(stored.pieces[1])
            Issue.record("accepted")
        } catch { #expect(error.code == .hashMismatch) }
    }

    @Test func `a first line that would have fitted before is refused`() throws {
        // The last line of a piece that is full to the last byte is one of 67 bytes, and goes to the next.
        let first = try StoredManifest.chunks(lineBytes: Limits.manifestSizeMax - 67)
        let last = try ChunkReference(id: ChunkID(hashing: "last"), length: 1)
        let chunks = try first + [last] + StoredManifest.chunks(lineBytes: 73 * 3)
        let size = chunks.reduce(UInt64(0)) { $0 + UInt64($1.length) }
        let greedy = try StoredManifest(chunks)
        #expect(greedy.pieces.first?.length == Limits.manifestSizeMax)
        try walk(greedy.pieces, size: size)
        let early = [piece(chunks[..<first.count]), piece(chunks[first.count...])]
        // The parser of the manifest cannot tell, the walk can.
        let entries = early.map { ChunkReference($0) }
        let manifest = Manifest(depth: .pieces, size: size, entries: entries)
        #expect(try Manifest(parsing: manifest.encoded) == manifest)
        expectInvalid(early, size: size, "is not full")
    }

    /// A file may repeat itself, and a manifest may be made to cost much: a piece that was taken need not come again.
    @Test func `what a repeated piece comes to is known, and must add up as well`() throws {
        let chunks = try StoredManifest.chunks(lineBytes: Limits.manifestSizeMax - 16)
        let (full, last) = (piece(chunks[...]), piece(chunks[..<2]))
        let one = chunks.reduce(UInt64(0)) { $0 + UInt64($1.length) }
        let rest = chunks[..<2].reduce(UInt64(0)) { $0 + UInt64($1.length) }
        for (surplus, fits) in [(UInt64(0), true), (1, false)] {
            let manifest = Manifest(
                depth: .pieces, size: 3 * one + rest + surplus,
                entries: [full, full, full, last].map { ChunkReference($0) })
            var walk = ManifestWalk(try Manifest(parsing: manifest.encoded))
            #expect(try walk.pass(through: .max) == nil, "it was not read yet")
            try walk.take(full)
            #expect(try walk.pass(through: .max) == nil, "its chunks come first")
            guard case .chunks(let first) = walk.next() else {
                Issue.record("no chunks")
                return
            }
            #expect(first.count == chunks.count)
            #expect(try walk.pass(through: 2 * one - 1) == nil, "part of it is wanted")
            #expect(try walk.pass(through: 2 * one) == chunks.count)
            #expect(try walk.pass(through: .max) == chunks.count)
            #expect(try walk.pass(through: .max) == nil, "another one is next")
            do throws(DepotError) {
                try walk.take(last)
                #expect(fits)
                guard case .chunks(let end) = walk.next() else {
                    Issue.record("no chunks")
                    return
                }
                #expect(end.map(\.offset) == [3 * one, 3 * one + UInt64(chunks[0].length)])
                guard case .end = walk.next() else {
                    Issue.record("it does not end")
                    return
                }
            } catch {
                #expect(!fits && error.code == .manifestInvalid)
            }
        }
        // Told as soon as it is certain.
        let short = Manifest(
            depth: .pieces, size: one + rest,
            entries: [full, full, last].map { ChunkReference($0) })
        var walk = ManifestWalk(try Manifest(parsing: short.encoded))
        try walk.take(full)
        _ = walk.next()
        #expect(throws: DepotError.self) { try walk.pass(through: .max) }
    }
}
