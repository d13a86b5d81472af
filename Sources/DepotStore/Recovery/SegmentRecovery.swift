import DepotCore
import Glibc
import Logging

// A segment without an ending was being written when the daemon died. It is read back from the
// disk. Members that verify stay. Other bytes are saved in `torn/`, because somebody may want to
// look at them, and cut off. Then the segment is sealed. A second recovery changes nothing.

/// Brings a replica's segments into order when the folder is opened.
struct SegmentRecovery {
    /// Bytes that `torn/` holds at most; the oldest go first. None of them was ever acknowledged.
    private static let tornBytesMax: UInt64 = 64 << 20

    let folder: ReplicaFolder
    let logger: Logger
    private var operations: FileOperations { folder.operations }

    init(folder: ReplicaFolder, logger: Logger) {
        self.folder = folder
        self.logger = logger
    }

    /// The segment as INDEX lists it; `nil` where there is no ending, or no valid one.
    static func readSealed(
        _ file: SegmentFile, _ known: SegmentKnowledge
    ) throws(DepotError) -> SealedSegment? {
        guard let header = try indexHeader(file) else { return nil }
        // A chunk may end as a segment does. A segment that is not sealed, and ends with such a
        // chunk, must not be taken for a sealed one.
        let nonce = try file.header(at: 0, nonce: nil)?.nonce ?? known.nonce
        guard nonce.map({ $0 == header.nonce }) ?? known.wasSealed else { return nil }
        let text = try file.read(
            at: header.offset + UInt64(MemberHeader.size), count: header.length)
        guard let members = SegmentEnding.members(text, at: header.offset) else { return nil }
        return SealedSegment(
            segment: describe(
                SegmentID(number: file.number, nonce: header.nonce),
                bytes: header.end + UInt64(2 * MemberHeader.size), members),
            members: members, damaged: [])
    }

    private static func indexHeader(_ file: SegmentFile) throws(DepotError) -> MemberHeader? {
        let size = try file.size()
        let tailSize = min(size, UInt64(SegmentEnding.tailSize))
        let tail = try file.read(at: size - tailSize, count: Int(tailSize))
        guard let offset = SegmentEnding.indexOffset(tail), offset < size,
            let header = try file.header(at: offset, nonce: nil), header.path == .index,
            header.end + UInt64(2 * MemberHeader.size) == size
        else { return nil }
        return header
    }

    static func describe(
        _ id: SegmentID, bytes: UInt64, _ members: [SegmentMember]
    ) -> SegmentIndex.Segment {
        SegmentIndex.Segment(
            number: id.number, nonce: id.nonce, bytes: bytes,
            highestSequence: members.compactMap(\.path.sequence).max())
    }

    /// Reads an unsealed segment back and seals it.
    ///
    /// - Returns: `nil` where no member was whole; then the file is gone, or in `torn/`.
    func recover(
        _ number: UInt32, _ known: SegmentKnowledge
    ) throws(DepotError) -> SealedSegment? {
        let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDWR)
        let scan = try SegmentScan(file, known)
        logger.notice(
            "recovering a segment that was not sealed",
            metadata: [
                "segment": "\(number)", "members": "\(scan.members.count)",
                "damaged": "\(scan.damaged.count)", "cut": "\(scan.torn)",
            ])
        guard let nonce = scan.nonce, scan.end > 0 else {
            try setAside(file, scan.size)
            return nil
        }
        try saveTorn(file, scan)
        try operations.run(
            .truncate(descriptor: file.descriptor, size: Int64(scan.end)),
            else: "cannot cut the segment", file.path)
        var writer = SegmentWriter(
            file: file, nonce: nonce, room: .max, end: scan.end,
            members: (scan.members + scan.damaged).sorted { $0.offset < $1.offset },
            operations: operations)
        try writer.seal(durable: scan.end)
        assert(writer.end > scan.end, "a segment was sealed without an ending")
        let sealed = Self.describe(
            SegmentID(number: number, nonce: nonce), bytes: writer.end, writer.members)
        return SealedSegment(segment: sealed, members: writer.members, damaged: scan.damaged)
    }

    /// Moves a segment without a readable header out of the way, unchanged.
    private func setAside(_ file: SegmentFile, _ size: UInt64) throws(DepotError) {
        if size > 0 {
            try makeRoom(min(size, Self.tornBytesMax))
            let torn = "\(folder.torn)/\(SegmentFile.name(file.number)).0"
            try operations.run(
                .rename(from: file.path, to: torn), else: "cannot set aside", file.path)
            try operations.syncFolder(folder.torn)
            logger.warning("set a segment aside", metadata: ["saved": "\(torn)"])
        } else {
            try operations.unlink(file.path)
        }
        try operations.syncFolder(folder.segments)
    }

    private func saveTorn(_ file: SegmentFile, _ scan: SegmentScan) throws(DepotError) {
        let count = min(scan.torn, Self.tornBytesMax)
        // Nobody misses an ending that was begun.
        let isEnding = try file.header(at: scan.end, nonce: scan.nonce)?.path == .sums
        guard count > 0, !isEnding else { return }
        do throws(DepotError) {
            try makeRoom(count)
            try save(file, scan.end..<scan.end + count)
        } catch {
            // A full disk must not keep the replica from starting: the bytes that are cut off were
            // never acknowledged.
            guard error.code == .storageFull else { throw error }
            logger.warning(
                "no room for torn bytes of a segment", metadata: ["why": "\(error)"])
        }
    }

    /// Copies bytes of a segment to `torn/`.
    private func save(
        _ file: SegmentFile, _ range: Range<UInt64>
    ) throws(DepotError) {
        let (start, count) = (range.lowerBound, range.upperBound - range.lowerBound)
        assert((1...Self.tornBytesMax).contains(count), "more is set aside than may be")
        let path = "\(folder.torn)/\(SegmentFile.name(file.number)).\(start)"
        let torn = try operations.create(path, mode: 0o600, replacing: true)
        defer { close(torn) }
        var offset = start
        while offset < start + count {
            let bytes = try file.read(at: offset, count: Int(min(1 << 20, start + count - offset)))
            guard !bytes.isEmpty else { break }
            try operations.write(bytes, at: Int64(offset - start), to: torn, path)
            offset += UInt64(bytes.count)
        }
        // The bytes that were copied are removed next.
        try operations.sync(torn, path)
        try operations.syncFolder(folder.torn)
        logger.warning(
            "saved bytes of a segment that are no member of it",
            metadata: ["saved": "\(path)", "bytes": "\(count)"])
    }

    /// Saves the bytes of a segment that belong to no known member, before the segment goes:
    /// neither its ending nor a header tells what they are. A member that is known and not live was
    /// deleted, or lies elsewhere.
    ///
    /// - Returns: the members that the segment itself lists.
    func setAsideUnknown(
        of file: SegmentFile, nonce: UInt64
    ) throws(DepotError) -> [SegmentMember] {
        let knowledge = SegmentKnowledge(nonce: nonce, wasSealed: true)
        let sealed = try Self.readSealed(file, knowledge)
        let size = sealed == nil ? try file.size() : 0
        var ranges: [Range<UInt64>] = []
        var known: UInt64 = 0
        let members: [SegmentMember]
        if let sealed {
            members = sealed.members
        } else {
            members = try membersFound(file, knowledge)
        }
        for member in members {
            if member.offset > known { ranges.append(known..<member.offset) }
            known = member.end
        }
        if size > known { ranges.append(known..<size) }
        for range in ranges {
            let count = min(UInt64(range.count), Self.tornBytesMax)
            try makeRoom(count)
            try save(file, range.lowerBound..<range.lowerBound + count)
        }
        return members
    }

    private func membersFound(
        _ file: SegmentFile, _ known: SegmentKnowledge
    ) throws(DepotError) -> [SegmentMember] {
        let scan = try SegmentScan(file, known)
        return (scan.members + scan.damaged).sorted { $0.offset < $1.offset }
    }

    /// Removes the files that were saved first until there is room for so many bytes.
    private func makeRoom(_ count: UInt64) throws(DepotError) {
        assert(count <= Self.tornBytesMax, "more is set aside than may be")
        guard let entries = opendir(folder.torn) else { return }
        defer { closedir(entries) }
        var files: [(path: String, size: UInt64)] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            let path = "\(folder.torn)/\(name)"
            guard !name.hasPrefix("."), stat(path, &status) == 0 else { continue }
            files.append((path, UInt64(clamping: status.st_size)))
        }
        var total = files.total { $0.size }
        total.increase(by: count)
        for file in files.sorted(by: { $0.path < $1.path }) where total > Self.tornBytesMax {
            try operations.unlink(file.path)
            total.decrease(by: file.size)
        }
    }
}
