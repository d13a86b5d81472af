import DepotCore
import DepotWire
import NIOCore
import Testing

@testable import DepotClient

/// Groups of files that are read one behind the other into one window.
@Suite struct SourceChunkerTests {
    /// Longer than a window, as long as one, and some that share one.
    private static let sizes = [
        20 << 20, 8 << 20, 0, 600 << 10, 5 << 20, 100, 3 << 20, 8 << 20, 2 << 20, 2 << 20, 1,
    ]

    private static func groups(
        _ sources: [UploadSource]
    ) -> some Sequence<SourceChunker.Step> {
        sequence(
            state: SourceChunker(
                sources, ContentChunker(),
                SourceAttributes(includesAll: false, deposit: .random()))
        ) {
            let group = $0.next()
            return group.portions.isEmpty ? nil : group
        }
    }

    private static func lengths(of content: [UInt8]) -> [Int] {
        var lengths: [Int] = []
        content.withUnsafeBytes { bytes in
            var place = 0
            while place < bytes.count {
                lengths.append(ContentChunker().cutLength(.init(rebasing: bytes[place...])))
                place += lengths[lengths.count - 1]
            }
        }
        return lengths
    }

    /// None of them is looked at before all are read: what is still held is not read over.
    @Test func `chunks are what the files hold, cut as if each were read alone`() throws {
        let bench = try Workbench()
        let contents = Self.sizes.enumerated().map { noise($1, seed: UInt64($0 + 1)) }
        let sources = try contents.enumerated().map { try bench.file("f\($0)", $1) }
        var chunks = contents.map { _ in [ByteBuffer]() }
        for var group in Self.groups(sources) {
            for portion in group.portions {
                #expect(
                    portion.start
                        == UInt64(chunks[portion.file.index].reduce(0) { $0 + $1.readableBytes }))
                chunks[portion.file.index] += group.chunks.prefix(portion.count)
                group.chunks.removeFirst(portion.count)
            }
            #expect(group.chunks.isEmpty)
        }
        for (chunks, content) in zip(chunks, contents) {
            #expect(chunks.map(\.readableBytes) == Self.lengths(of: content))
            #expect(chunks.flatMap { Array($0.readableBytesView) } == content)
        }
    }

    @Test func `a file that fails takes none of its group along`() throws {
        let bench = try Workbench()
        let sources = [
            try bench.file("a", noise(1_000)), try bench.source("missing"),
            try bench.file("b", noise(2_000)),
        ]
        let groups = Array(Self.groups(sources))
        #expect(groups.count == 1 && groups[0].portions.map(\.count) == [1, 0, 1])
        guard case .failed(let error) = groups[0].portions[1].end else {
            Issue.record("the missing file did not fail")
            return
        }
        #expect(error.code == .notFound)
        #expect(Array(groups[0].chunks[1].readableBytesView) == noise(2_000))
    }

    /// A folder full of files of some hundred KiB would take the client's memory otherwise.
    @Test(arguments: [600 << 10, 1 << 20, 5 << 20, 40 << 20])
    func `a group takes one window, and a deposit a few`(_ size: Int) throws {
        let bench = try Workbench()
        let sources = try (0..<(80 << 20) / size).map { number in
            try bench.file("f\(number)", noise(size, seed: UInt64(number + 1)))
        }
        var windows: Set<UInt> = []
        for group in Self.groups(sources) {
            let places = group.chunks.map { chunk in
                chunk.withUnsafeReadableBytes { bytes in
                    let start = UInt(bitPattern: bytes.baseAddress)
                    return start..<start + UInt(bytes.count)
                }
            }
            guard let start = places.map(\.lowerBound).min(), let end = places.last?.upperBound
            else {
                continue
            }
            #expect(end - start <= UInt(GroupMaker.bytesMax))
            windows.insert(start)
        }
        #expect(windows.count <= 4)
    }
}
