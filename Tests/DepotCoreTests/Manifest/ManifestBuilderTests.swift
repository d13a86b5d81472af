import NIOCore
import Testing

@testable import DepotCore

/// A file's list of chunks as it would be stored.
struct StoredManifest {
    var chunks: [ChunkReference]
    var pieces: [VerifiedObject] = []
    let finished: FinishedManifest

    init(_ chunks: [ChunkReference]) throws {
        self.chunks = chunks
        var builder = ManifestBuilder()
        for chunk in chunks {
            if let piece = try builder.append(chunk) { pieces.append(piece) }
        }
        finished = builder.finish()
        pieces += finished.objects.dropLast()
    }

    func manifest() throws -> Manifest {
        if let chunk = finished.reference.chunk { return Manifest(of: chunk) }
        return try Manifest(parsing: try #require(finished.objects.last).contiguous)
    }

    /// What a reader gets.
    func walked() throws -> [PlacedChunk] {
        var walk = ManifestWalk(try manifest())
        var found: [PlacedChunk] = []
        var rest = pieces[...]
        while true {
            switch walk.next() {
            case .piece:
                let piece = rest.popFirst()
                try walk.take(try #require(piece))
            case .chunks(let chunks): found += chunks
            case .end: return found
            }
        }
    }

    /// Chunks whose lines have together so many bytes; each has a length of at most seven digits.
    static func chunks(lineBytes: Int) throws -> [ChunkReference] {
        var random = SeededGenerator(seed: 8)
        let count = (lineBytes + ManifestText.lineLengthMax - 1) / ManifestText.lineLengthMax
        var surplus = count * ManifestText.lineLengthMax - lineBytes
        return try (0..<count).map { _ in
            let fewer = min(surplus, 6)
            surplus -= fewer
            let length = (0..<6 - fewer).reduce(1) { length, _ in length * 10 }
            return try ChunkReference(id: random.chunkID(), length: length)
        }
    }
}

@Suite struct ManifestBuilderTests {
    /// Of the depth-0 header for a size of eleven digits, which all these files have.
    private static let headerLength = "depot manifest 1\nsize 57000000000\ndepth 0\n".utf8.count

    @Test(arguments: [
        (1, "292b78ae8be1d28c7e8648140a6c59effab62321fc40bf58de9f9e005bc74255"),
        (2, "e1de94a5ec97e5206fd7e99c18ff4f884d4d168e1ef210e8ecd824588b2381b2"),
        (130_000, "dd8ee408cd3c5cdb7be62ce552da0cd11968243a73621d3dd2cbf381b1509b47"),
    ])
    // Chunk i is the SHA-256 of i in decimal, of 1,000,000 + i bytes. Ids by a program of another language.
    func `manifests have known ids`(count: Int, id: String) throws {
        let stored = try StoredManifest(
            (0..<count).map {
                try ChunkReference(id: ChunkID(hashing: "\($0)"), length: 1_000_000 + $0)
            })
        #expect(stored.finished.reference.id.hex == id)
        #expect(try stored.manifest().encoded.readableBytes == stored.finished.reference.length)
        // One chunk is named by records; nothing of its list is stored.
        #expect(stored.finished.reference.chunk == (count == 1 ? stored.chunks[0] : nil))
        #expect(stored.finished.objects.isEmpty == (count == 1))
        #expect(stored.finished.chunkCount == count)
        let places = try stored.walked()
        #expect(places.map(\.reference) == stored.chunks)
        var offset: UInt64 = 0
        let isSeamless = places.allSatisfy { place in
            defer { offset += UInt64(place.reference.length) }
            return place.offset == offset
        }
        #expect(isSeamless && offset == stored.finished.size)
        guard count > 2 else { return }
        #expect(
            stored.finished.objects.last?.contiguous
                == ByteBuffer(
                    string: """
                        depot manifest 1
                        size 138449935000
                        depth 1
                        0e85fd13fd6143827cc467eeb2e99696c4bd9c2b692cbdc2589f00492de9f90f 4194288
                        3e0b89071dd82b32cfc7bd7b6109f9bc572408dd3110861c2fbc08d4041a4484 4194288
                        b1a937a59e34927235921f615285a62934166f9b46673b3486941ef0ee01ae8a 1101424

                        """))
    }

    /// Where depth 0 just fits, where it just does not, where the lines just fit into one piece, and where
    /// they just do not.
    @Test(arguments: [
        (Limits.manifestSizeMax - headerLength, 0), (Limits.manifestSizeMax - headerLength + 1, 1),
        (Limits.manifestSizeMax, 1), (Limits.manifestSizeMax + 1, 2),
    ])
    func `depth 1 begins exactly where depth 0 is too long`(lineBytes: Int, pieces: Int) throws {
        let stored = try StoredManifest(StoredManifest.chunks(lineBytes: lineBytes))
        #expect(stored.pieces.count == pieces)
        #expect(stored.pieces.allSatisfy { $0.length <= Limits.manifestSizeMax })
        #expect(stored.finished.pieces == stored.pieces.map { ChunkReference($0) })
        let manifest = try stored.manifest()
        #expect(manifest.depth == (pieces == 0 ? .chunks : .pieces))
        #expect(manifest.size == stored.finished.size)
        #expect(try stored.walked().map(\.reference) == stored.chunks)
        if pieces == 0 {
            #expect(stored.finished.objects.last?.length == Limits.manifestSizeMax)
        } else {
            #expect(stored.pieces.map(\.length).reduce(0, +) == lineBytes)
        }
    }
}
