import DepotCore
import DepotWire
import NIOCore
import Testing

@testable import DepotCluster
@testable import DepotServer

/// A header that filled a part to its end went without the bytes behind it, and was sent once more with them: four clients
/// that retrieved small files were told that the answer makes no sense.
@Suite struct ContentParcelTests {
    private static let part = 256 << 10

    /// The first item's length: its bytes end about where a part does, so that the second's header lies across the end.
    @Test(arguments: [
        part - 60, part - 30, part - 21, part - 20, part - 11, part - 10, part - 1, part,
    ])
    func `each header goes once, wherever a part ends`(_ first: Int) async throws {
        let lengths = [first, 1, 30_000, 0, Self.part + 5, 7]
        let contents = lengths.enumerated().map { number, length in
            ByteBuffer(repeating: UInt8(number), count: length)
        }
        let items = try contents.enumerated().map { number, bytes in
            ContentParcel.Item(
                chunk: try ChunkReference(
                    id: ChunkID(hashing: bytes), length: max(bytes.readableBytes, 1)),
                range: 0..<bytes.readableBytes, header: ByteBuffer(string: "header \(number) ..."))
        }
        let parcel = ContentParcel(
            items, from: MemoryBudget(size: 8 << 20), for: Borrower(token: "", address: "client")
        ) { wanted in contents[wanted.indices].map { [$0] } }
        var sent = ByteBuffer()
        try await parcel.write { for var bytes in $0 { sent.writeBuffer(&bytes) } }
        var expected = ByteBuffer()
        for (item, bytes) in zip(items, contents) {
            expected.writeImmutableBuffer(item.header)
            expected.writeImmutableBuffer(bytes)
        }
        #expect(sent == expected)
    }
}
