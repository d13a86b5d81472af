import DepotCore

/// What a scan of an unsealed segment found.
struct SegmentScan {
    /// Whole and verified, in order.
    var members: [SegmentMember] = []
    /// Below a place that was known durable, yet not what it should be: damage, which stays as it is.
    var damaged: [SegmentMember] = []
    var nonce: UInt64?
    /// Behind the last member that stays; what follows is to be cut off.
    var end: UInt64 = 0
    var size: UInt64 = 0

    /// Reads a segment from its beginning, from the disk itself, and hashes every member.
    init(_ file: SegmentFile) throws(DepotError) {
        let reader = try ColdReader(file)
        size = try file.size()
        var offset: UInt64 = 0
        while offset < size {
            if let header = try Self.header(reader, offset, nonce) {
                nonce = header.nonce
                guard header.path.objectID != nil else { break }  // the ending, unfinished
                let member = SegmentMember(
                    path: header.path, offset: offset, length: header.length)
                if try Self.isWhole(member, reader) {
                    members.append(member)
                    offset = header.end
                    end = offset
                    continue
                }
            }
            // Is anything behind this place that was written after it was durable?
            guard let next = try Self.nextProof(reader, after: offset, size, nonce) else { break }
            if let header = try Self.header(reader, offset, nonce), header.path.objectID != nil {
                damaged.append(
                    SegmentMember(path: header.path, offset: offset, length: header.length))
            }
            nonce = next.nonce
            offset = next.offset
            end = offset
        }
    }

    private static func header(
        _ reader: ColdReader, _ offset: UInt64, _ nonce: UInt64?
    ) throws(DepotError) -> MemberHeader? {
        try reader.withBytes(at: offset, count: MemberHeader.size) {
            MemberHeader($0, at: offset, nonce: nonce)
        }
    }

    private static func isWhole(
        _ member: SegmentMember, _ reader: ColdReader
    ) throws(DepotError) -> Bool {
        guard (1...Limits.chunkSizeMax).contains(member.length), let id = member.path.objectID
        else {
            return false
        }
        return try reader.withBytes(
            at: member.offset + UInt64(MemberHeader.size), count: member.length
        ) { bytes in
            bytes.count == member.length && ChunkID(hashing: bytes) == id.hash
        }
    }

    /// The next header of this segment behind a bad place, if any header behind it says that the place was
    /// durable when it was written.
    private static func nextProof(
        _ reader: ColdReader, after bad: UInt64, _ size: UInt64, _ nonce: UInt64?
    ) throws(DepotError) -> MemberHeader? {
        var next: MemberHeader?
        var offset = bad + UInt64(MemberHeader.size)
        while offset + UInt64(MemberHeader.size) <= size {
            let count =
                Int(min(Self.windowSize, size - offset)) / MemberHeader.size * MemberHeader.size
            let headers = try reader.withBytes(at: offset, count: count) { window in
                Self.headers(in: window, at: offset, next?.nonce ?? nonce)
            }
            for header in headers {
                next = next ?? header
                if header.durable > bad { return next }
            }
            offset += UInt64(count)
        }
        return nil
    }

    private static let windowSize: UInt64 = 1 << 20

    private static func headers(
        in window: UnsafeRawBufferPointer, at offset: UInt64, _ nonce: UInt64?
    ) -> [MemberHeader] {
        stride(from: 0, through: window.count - MemberHeader.size, by: MemberHeader.size).compactMap
        {
            let block = UnsafeRawBufferPointer(rebasing: window[$0..<$0 + MemberHeader.size])
            // Nearly all blocks are none: the magic tells most of them apart at once.
            guard block[257] == UInt8(ascii: "u"), block[258] == UInt8(ascii: "s") else {
                return nil
            }
            return MemberHeader(block, at: offset + UInt64($0), nonce: nonce)
        }
    }
}
