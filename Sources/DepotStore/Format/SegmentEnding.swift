import DepotCore

/// One member of a segment, as its ending lists it.
struct SegmentMember: Hashable {
    let path: MemberPath
    /// Where its header lies.
    let offset: UInt64
    let length: Int

    /// Where the next header lies.
    var end: UInt64 { offset + UInt64(MemberHeader.size + MemberHeader.padded(length)) }
}

// A sealed segment ends with `SHA256SUMS`, `INDEX` and the two zero blocks that end an archive.
// INDEX is text with a line for each member: offset of its header, length, path. Its last line
// names the place where INDEX begins and the hash of the lines before. So it is found from the end
// of the file, and nothing else can pass for it.
enum SegmentEnding {
    /// Enough of the end of a file to hold the zero blocks, the padding and the last line.
    static let tailSize = 2 * MemberHeader.size + 2 * MemberHeader.size

    /// Bytes of INDEX, or of SHA256SUMS, that are read at once. The 65,536 members that a segment
    /// has at most take a fraction of it.
    static let textSizeMax = 64 << 20

    /// An upper bound of the ending's size, so that room for it can be kept.
    static func sizeMax(members: Int) -> Int { members * 420 + 8 * MemberHeader.size }

    static func sums(_ members: [SegmentMember]) -> String {
        var text = ""
        for member in members {
            guard let id = member.path.objectID else { continue }
            text += "\(id.hash)  \(member.path.text)\n"
        }
        return text
    }

    static func index(_ members: [SegmentMember], at offset: UInt64) -> String {
        assert(
            zip(members, members.dropFirst()).allSatisfy { $0.offset < $1.offset },
            "members are not in order of their place")
        var lines = ""
        for member in members {
            lines += "\(member.offset) \(member.length) \(member.path.text)\n"
        }
        return "\(lines)end \(offset) \(ChunkID(hashing: lines))\n"
    }

    /// Where INDEX begins, according to the last bytes of a file; `nil` where they are no ending.
    static func indexOffset(_ tail: [UInt8]) -> UInt64? {
        guard tail.count >= 2 * MemberHeader.size,
            tail.suffix(2 * MemberHeader.size).allSatisfy({ $0 == 0 }),
            let last = tail.lastIndex(where: { $0 != 0 }), tail[last] == UInt8(ascii: "\n")
        else { return nil }
        // In front of the only line of an INDEX without members are the zeros of its header.
        let line = tail[..<last].split { $0 == newline || $0 == 0 }.last ?? []
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard words.count == 3, words[0] == "end", let offset = UInt64(words[1]),
            ByteCount.range.contains(offset)
        else { return nil }
        return offset
    }

    /// The members that INDEX lists; `nil` unless it is whole and says that it begins there.
    ///
    /// A replica reads INDEX of all segments when it starts, a million lines for a TiB of content.
    /// So no string is made for a chunk.
    static func members(_ index: [UInt8], at offset: UInt64) -> [SegmentMember]? {
        guard index.last == newline,
            let end = index.dropLast().lastIndex(of: newline).map({ $0 + 1 })
                ?? (index.isEmpty ? nil : 0)
        else { return nil }
        return index.withUnsafeBytes { index in
            let lines = UnsafeRawBufferPointer(rebasing: index[..<end])
            let last = String(decoding: index[end...], as: UTF8.self)
            guard last == "end \(offset) \(ChunkID(hashing: lines))\n" else { return nil }
            var members: [SegmentMember] = []
            members.reserveCapacity(end / lineMin + 1)
            var rest = lines[...]
            while let lineEnd = rest.firstIndex(of: newline) {
                // A member lies in front of INDEX. Another place cannot be in the file.
                guard let member = SegmentMember(rest[..<lineEnd]), member.end <= offset else {
                    return nil
                }
                members.append(member)
                rest = rest[(lineEnd + 1)...]
            }
            return members
        }
    }

    private static let newline = UInt8(ascii: "\n")
    /// Two numbers of a digit and the path of a chunk.
    private static let lineMin = 4 + MemberPath.chunkPrefix.utf8.count + 2 * ChunkID.byteCount
}

extension SegmentMember {
    /// A line of INDEX, without its end.
    fileprivate init?(_ line: Slice<UnsafeRawBufferPointer>) {
        let space = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: space),
            let second = line[(first + 1)...].firstIndex(of: space),
            let offset = Self.number(line[..<first]),
            let length = Self.number(line[(first + 1)..<second]), length <= UInt64(Int.max),
            let path = MemberPath(
                ascii: UnsafeRawBufferPointer(rebasing: line[(second + 1)...])),
            ByteCount.range.contains(offset), path.lengths.contains(Int(length))
        else { return nil }
        self.init(path: path, offset: offset, length: Int(length))
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isOver) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isTooLarge, !isOver else { return nil }
            number = sum
        }
        return number
    }
}
