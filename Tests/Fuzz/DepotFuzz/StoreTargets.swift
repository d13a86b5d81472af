import DepotCore
import NIOCore

@testable import DepotStore

extension FuzzTarget {
    static let store = [
        FuzzTarget(name: "member-header") { bytes in
            bytes.withUnsafeReadableBytes { block in
                guard let header = MemberHeader(block, at: 0, nonce: nil) else { return }
                require(
                    header.encoded().elementsEqual(block.prefix(MemberHeader.size)),
                    "a header is spelled in two ways")
            }
        },
        // As a disk would have it: the hash is right, whatever the lines say.
        FuzzTarget(name: "segment-index") { bytes in
            let lines = Array(bytes.readableBytesView)
            _ = SegmentEnding.indexOffset(lines)
            let offset: UInt64 = 1 << 40
            let sum = lines.withUnsafeBytes { ChunkID(hashing: $0) }
            let index = lines + Array("end \(offset) \(sum)\n".utf8)
            guard let members = SegmentEnding.members(index, at: offset) else { return }
            require(
                SegmentEnding.index(members, at: offset).utf8.elementsEqual(index),
                "an index is spelled in two ways")
        },
    ]
}
