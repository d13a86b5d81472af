import DepotCore
import Logging

/// Reads a segment from the disk, hashes copies in it, and checks its structure.
struct SegmentScrub {
    /// Bytes of small members that are read together at most: two huge pages, less the blocks that
    /// a direct read has to begin and end with.
    private static let windowMax = UInt64(4 << 20 - 2 * AlignedMemory.alignment)

    private let reader: ColdReader
    private let nonce: UInt64
    private let logger: Logger
    private(set) var bytesRead: UInt64 = 0
    private(set) var verdicts: [ScrubVerdict] = []
    private(set) var problems: [SegmentProblem] = []

    init(_ reader: ColdReader, nonce: UInt64, _ logger: Logger) {
        self.reader = reader
        self.nonce = nonce
        self.logger = logger
    }

    // MARK: Copies

    /// - Parameter copies: in order of their place.
    mutating func read(_ copies: [(ObjectID, Location)]) {
        assert(
            zip(copies, copies.dropFirst()).allSatisfy { $0.1.offset <= $1.1.offset },
            "copies are not in order of their place")
        let before = verdicts.count
        defer { assert(verdicts.count == before + copies.count, "a copy has no verdict") }
        var rest = copies[...]
        while let first = rest.first {
            var end = first.1.offset
            let window = rest.prefix { _, location in
                guard location == first.1 || location.end - first.1.offset <= Self.windowMax
                else { return false }
                end = location.end
                return true
            }
            rest = rest.dropFirst(window.count)
            read(Array(window), first.1.offset..<end)
        }
    }

    private mutating func read(_ copies: [(ObjectID, Location)], _ range: Range<UInt64>) {
        bytesRead += range.upperBound - range.lowerBound
        let nonce = nonce
        let areWhole = tryReading(at: range.lowerBound, count: range.count) { bytes in
            copies.map { id, location in
                let start = min(Int(location.offset - range.lowerBound), bytes.count)
                let end = min(start + MemberHeader.size + location.length, bytes.count)
                return Self.isWhole(
                    id, in: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), from: location,
                    nonce: nonce)
            }
        }
        for (index, (id, location)) in copies.enumerated() {
            // A copy that looks bad is read a second time, by itself, before it is called so.
            let isGood = areWhole?[index] == true || isWhole(id, location)
            verdicts.append(ScrubVerdict(id: id, verdict: isGood ? .good : .bad))
        }
    }

    /// Reads one copy. A range that cannot be read is as bad as a wrong one.
    func isWhole(_ id: ObjectID, _ location: Location) -> Bool {
        tryReading(at: location.offset, count: MemberHeader.size + location.length) {
            Self.isWhole(id, in: $0, from: location, nonce: nonce)
        } ?? false
    }

    private static func isWhole(
        _ id: ObjectID, in bytes: UnsafeRawBufferPointer, from location: Location, nonce: UInt64
    ) -> Bool {
        guard bytes.count == MemberHeader.size + location.length,
            let header = MemberHeader(bytes, at: location.offset, nonce: nonce),
            header.path.objectID == id, header.length == location.length
        else { return false }
        let content = UnsafeRawBufferPointer(rebasing: bytes[MemberHeader.size...])
        return ChunkID(hashing: content) == id.hash
    }

    private func tryReading<Result>(
        at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        do {
            return try reader.withBytes(at: offset, count: count, body)
        } catch {
            logger.warning(
                "a range of a segment cannot be read",
                metadata: ["offset": "\(offset)", "bytes": "\(count)", "why": "\(error)"])
            return nil
        }
    }

    // MARK: Structure

    /// Checks a sealed segment's ending, and the headers of the members that it lists: behind a
    /// damaged header `tar` does not read on.
    ///
    /// - Parameter sound: places of headers that were found good already.
    mutating func readStructure(sound: Set<UInt64>) {
        guard let index = readIndex() else { return }
        var expected: UInt64 = 0
        for member in index.members {
            guard member.offset == expected else {
                return note(member.offset, "INDEX has a gap before this member")
            }
            if !sound.contains(member.offset) {
                let header = header(at: member.offset)
                if header?.path != member.path || header?.length != member.length {
                    note(member.offset, "the header is not that of \(member.path.text)")
                }
            }
            expected = member.end
        }
        checkSums(index.members, at: expected, index.offset)
    }

    private mutating func readIndex() -> (members: [SegmentMember], offset: UInt64)? {
        let size = reader.size
        let tailSize = min(size, UInt64(SegmentEnding.tailSize))
        let tail = tryReading(at: size - tailSize, count: Int(tailSize)) { [UInt8]($0) } ?? []
        guard let offset = SegmentEnding.indexOffset(tail), offset < size,
            let header = header(at: offset), header.path == .index,
            header.end + UInt64(2 * MemberHeader.size) == size
        else {
            note(size, "the ending is missing or damaged")
            return nil
        }
        let text = tryReading(at: offset + UInt64(MemberHeader.size), count: header.length) {
            [UInt8]($0)
        }
        bytesRead += header.end - offset
        guard let text, let members = SegmentEnding.members(text, at: offset) else {
            note(offset, "INDEX is damaged")
            return nil
        }
        return (members, offset)
    }

    private mutating func checkSums(
        _ members: [SegmentMember], at offset: UInt64, _ indexOffset: UInt64
    ) {
        let sums = Array(SegmentEnding.sums(members).utf8)
        let header = header(at: offset)
        let found = tryReading(at: offset + UInt64(MemberHeader.size), count: sums.count) {
            $0.elementsEqual(sums)
        }
        bytesRead += UInt64(sums.count)
        guard header?.path == .sums, header?.length == sums.count, header?.end == indexOffset,
            found == true
        else { return note(offset, "SHA256SUMS is damaged") }
    }

    private func header(at offset: UInt64) -> MemberHeader? {
        let nonce = nonce
        return tryReading(at: offset, count: MemberHeader.size) {
            MemberHeader($0, at: offset, nonce: nonce)
        } ?? nil
    }

    private mutating func note(_ offset: UInt64, _ what: String) {
        problems.append(SegmentProblem(offset: offset, what: what))
    }
}
