import DepotCore

/// One member of a segment, as its ending lists it.
struct SegmentMember: Hashable {
    let path: MemberPath
    /// Where its header lies.
    let offset: UInt64
    let length: Int
}

// A sealed segment ends with `SHA256SUMS`, `INDEX` and the two zero blocks that end an archive. INDEX is text, a line a
// member (offset of its header, length, path); its last line says where INDEX itself begins and what the lines
// before hash to, so that it is found from the end of the file and cannot be mistaken.
enum SegmentEnding {
    /// Enough of the end of a file to hold the zero blocks, the padding and the last line.
    static let tailSize = 2 * MemberHeader.size + 2 * MemberHeader.size

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
        let line = tail[..<last].split(separator: UInt8(ascii: "\n")).last ?? []
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard words.count == 3, words[0] == "end" else { return nil }
        return UInt64(words[1])
    }

    /// The members that INDEX lists; `nil` unless it is whole and says that it begins there.
    static func members(_ index: [UInt8], at offset: UInt64) -> [SegmentMember]? {
        guard index.last == UInt8(ascii: "\n"),
            let end = index.dropLast().lastIndex(of: UInt8(ascii: "\n")).map({ $0 + 1 })
                ?? (index.isEmpty ? nil : 0)
        else { return nil }
        let lines = String(decoding: index[..<end], as: UTF8.self)
        let last = String(decoding: index[end...], as: UTF8.self)
        guard last == "end \(offset) \(ChunkID(hashing: lines))\n" else { return nil }
        var members: [SegmentMember] = []
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let offset = UInt64(words[0]), let length = Int(words[1]),
                let path = MemberPath(words[2])
            else { return nil }
            members.append(SegmentMember(path: path, offset: offset, length: length))
        }
        return members
    }
}
