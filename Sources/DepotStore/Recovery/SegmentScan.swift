import DepotCore

// A deposited file may hold headers that look like the segment's own, with offsets and proofs. The
// nonce gives them away, which nobody outside knows. The header at the beginning of the file tells
// the nonce and cannot be forged. Where that header is damaged, only a nonce that was noted
// elsewhere is believed, and never one that is found further on.

/// What is known of a segment before it is looked at.
struct SegmentKnowledge {
    /// The nonce that the replica's identity, or the index, has for it.
    var nonce: UInt64?
    /// Whether another segment was begun after it. Then all of it was durable once, and whatever is
    /// wrong with it is damage.
    var wasSealed: Bool
}

/// The result of scanning an unsealed segment.
struct SegmentScan {
    /// Whole and verified, in order.
    var members: [SegmentMember] = []
    /// Members that were durable once and are wrong: damage, which stays as it is.
    var damaged: [SegmentMember] = []
    var nonce: UInt64?
    /// Where the last member that stays ends. Whatever follows is to be cut off.
    var end: UInt64 = 0
    var size: UInt64 = 0
    /// Bytes to be cut off. The file may end within the padding of its last member; that member is
    /// whole all the same.
    var torn: UInt64 { size > end ? size - end : 0 }

    /// Reads a segment from its beginning, from the disk itself, and hashes every member.
    init(_ file: SegmentFile, _ known: SegmentKnowledge) throws(DepotError) {
        let reader = try ColdReader(file)
        size = try file.size()
        guard let nonce = try Self.header(reader, at: 0, nonce: nil)?.nonce ?? known.nonce else {
            return
        }
        self.nonce = nonce
        var offset: UInt64 = 0
        while offset < size {
            if let header = try Self.header(reader, at: offset, nonce: nonce) {
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
            guard
                let next = try Self.next(
                    reader, behind: offset, upTo: size, nonce: nonce, needsProof: !known.wasSealed)
            else { break }
            assert(next.offset > offset, "a scan goes back")
            if let header = try Self.header(reader, at: offset, nonce: nonce),
                header.path.objectID != nil
            {
                damaged.append(
                    SegmentMember(path: header.path, offset: offset, length: header.length))
            }
            offset = next.offset
            end = offset
        }
        assert(end % UInt64(MemberHeader.size) == 0, "a segment would be cut within a block")
    }

    private static func header(
        _ reader: ColdReader, at offset: UInt64, nonce: UInt64?
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

    /// The segment's next header behind a bad place. With `needsProof`, only if that header or a
    /// later one says that the place was durable when it was written.
    private static func next(
        _ reader: ColdReader, behind bad: UInt64, upTo size: UInt64, nonce: UInt64,
        needsProof: Bool
    ) throws(DepotError) -> MemberHeader? {
        var next: MemberHeader?
        var offset = bad + UInt64(MemberHeader.size)
        while offset + UInt64(MemberHeader.size) <= size {
            let count =
                Int(min(Self.windowSize, size - offset)) / MemberHeader.size * MemberHeader.size
            let headers = try reader.withBytes(at: offset, count: count) { window in
                Self.headers(in: window, at: offset, nonce: nonce)
            }
            for header in headers {
                next = next ?? header
                if !needsProof || header.durable > bad { return next }
            }
            offset += UInt64(count)
        }
        return nil
    }

    private static let windowSize: UInt64 = 1 << 20

    private static func headers(
        in window: UnsafeRawBufferPointer, at offset: UInt64, nonce: UInt64
    ) -> [MemberHeader] {
        stride(from: 0, through: window.count - MemberHeader.size, by: MemberHeader.size).compactMap
        {
            let block = UnsafeRawBufferPointer(rebasing: window[$0..<$0 + MemberHeader.size])
            // Nearly no block is a header, and the magic bytes tell most blocks apart at once.
            guard block[257] == UInt8(ascii: "u"), block[258] == UInt8(ascii: "s") else {
                return nil
            }
            return MemberHeader(block, at: offset + UInt64($0), nonce: nonce)
        }
    }
}
