import NIOCore
import Testing

@testable import DepotWire

@Suite struct GroupedBuffersTests {
    @Test(arguments: [[], [0], [5], [3, 3], [10], [11], [25, 1], [4, 6, 10, 21]])
    func `groups have the same bytes, and no more than they may`(_ sizes: [Int]) {
        var next: UInt8 = 0
        let parts = sizes.map { size in
            ByteBuffer(
                bytes: (0..<size).map { _ in
                    next &+= 1
                    return next
                })
        }
        let groups = parts.grouped(upTo: 10)
        for group in groups { #expect(group.reduce(0) { $0 + $1.readableBytes } <= 10) }
        let bytes = groups.flatMap { $0 }.flatMap { $0.readableBytesView }
        #expect(bytes == parts.flatMap { $0.readableBytesView })
        #expect(groups.count <= sizes.reduce(0, +) / 10 + 1)
    }
}
