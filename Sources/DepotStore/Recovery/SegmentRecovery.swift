import DepotCore
import Glibc
import Logging

// A segment that is not sealed was being written when the daemon died. It is read back from the disk; members that
// verify stay; what does not is saved in `torn/`, because somebody may want to look at it, and cut off. Then the
// segment is sealed. Doing it again changes nothing.

/// Brings a replica's segments into order when the folder is opened.
struct SegmentRecovery {
    /// `torn/` holds no more than this, the newest: bytes that were never acknowledged.
    private static let tornBytesMax: UInt64 = 64 << 20

    let folder: ReplicaFolder
    let logger: Logger
    private var operations: FileOperations { folder.operations }

    init(folder: ReplicaFolder, logger: Logger) {
        self.folder = folder
        self.logger = logger
    }

    /// A sealed segment, or one that recovery has just sealed.
    struct Sealed {
        let segment: SegmentIndex.Segment
        let members: [SegmentMember]
        let damaged: [SegmentMember]
    }

    /// What INDEX says; `nil` where the ending is not there or not valid.
    static func readSealed(
        _ file: SegmentFile, _ known: SegmentKnowledge
    ) throws(DepotError) -> Sealed? {
        guard let header = try indexHeader(file) else { return nil }
        // A chunk may end as a segment does, and a segment that is not sealed with that chunk.
        let nonce = try file.header(at: 0, nonce: nil)?.nonce ?? known.nonce
        guard nonce.map({ $0 == header.nonce }) ?? known.wasSealed else { return nil }
        let text = try file.read(
            at: header.offset + UInt64(MemberHeader.size), count: header.length)
        guard let members = SegmentEnding.members(text, at: header.offset) else { return nil }
        return Sealed(
            segment: describe(file.number, header.nonce, try file.size(), members),
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
        _ number: UInt32, _ nonce: UInt64, _ bytes: UInt64, _ members: [SegmentMember]
    ) -> SegmentIndex.Segment {
        SegmentIndex.Segment(
            number: number, nonce: nonce, bytes: bytes,
            highestSequence: members.compactMap(\.path.sequence).max())
    }

    /// Reads an unsealed segment back and seals it.
    ///
    /// - Returns: `nil` where nothing of it was whole; then the file is gone, or in `torn/`.
    func recover(
        _ number: UInt32, _ known: SegmentKnowledge
    ) throws(DepotError) -> Sealed? {
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
            "cannot cut the segment", file.path)
        var writer = SegmentWriter(
            file: file, nonce: nonce, room: .max, end: scan.end,
            members: (scan.members + scan.damaged).sorted { $0.offset < $1.offset },
            operations: operations)
        try writer.seal(durable: scan.end)
        let sealed = Self.describe(number, nonce, writer.end, writer.members)
        return Sealed(segment: sealed, members: writer.members, damaged: scan.damaged)
    }

    /// Moves a segment of which nothing can be told out of the way, as it is.
    private func setAside(_ file: SegmentFile, _ size: UInt64) throws(DepotError) {
        if size > 0 {
            try makeRoom(min(size, Self.tornBytesMax))
            let torn = "\(folder.torn)/\(SegmentFile.name(file.number)).0"
            try operations.run(.rename(from: file.path, to: torn), "cannot set aside", file.path)
            try operations.syncFolder(folder.torn)
            logger.warning("set a segment aside", metadata: ["saved": "\(torn)"])
        } else {
            try operations.unlink(file.path)
        }
        try operations.syncFolder(folder.segments)
    }

    private func saveTorn(_ file: SegmentFile, _ scan: SegmentScan) throws(DepotError) {
        let count = min(scan.torn, Self.tornBytesMax)
        // An ending that was begun is nothing that anybody misses.
        let isEnding = try file.header(at: scan.end, nonce: scan.nonce)?.path == .sums
        guard count > 0, !isEnding else { return }
        do throws(DepotError) {
            try makeRoom(count)
            try save(file, scan.end, count)
        } catch {
            // A full disk must not keep the replica from starting: what is cut was never acknowledged.
            guard error.code == .storageFull else { throw error }
            logger.warning(
                "no room for torn bytes of a segment", metadata: ["why": "\(error)"])
        }
    }

    /// Copies bytes of a segment to `torn/`.
    private func save(
        _ file: SegmentFile, _ start: UInt64, _ count: UInt64
    ) throws(DepotError) {
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
        // What they are copied from goes next.
        try operations.sync(torn, path)
        try operations.syncFolder(folder.torn)
        logger.warning(
            "saved bytes of a segment that are no member of it",
            metadata: ["saved": "\(path)", "bytes": "\(count)"])
    }

    /// Saves bytes of a segment that goes which nobody can tell anything of: where its ending does not list them, and no
    /// header says what they are. What the ending lists and is not live was deleted, or lies elsewhere.
    func setAsideUnknown(of file: SegmentFile, nonce: UInt64) throws(DepotError) {
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
            known =
                member.offset + UInt64(MemberHeader.size + MemberHeader.padded(member.length))
        }
        if size > known { ranges.append(known..<size) }
        for range in ranges {
            let count = min(UInt64(range.count), Self.tornBytesMax)
            try makeRoom(count)
            try save(file, range.lowerBound, count)
        }
    }

    private func membersFound(
        _ file: SegmentFile, _ known: SegmentKnowledge
    ) throws(DepotError) -> [SegmentMember] {
        let scan = try SegmentScan(file, known)
        return (scan.members + scan.damaged).sorted { $0.offset < $1.offset }
    }

    /// Removes what was saved before until there is room for so many bytes.
    private func makeRoom(_ count: UInt64) throws(DepotError) {
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
            files.append((path, UInt64(status.st_size)))
        }
        var total = files.reduce(0) { $0 + $1.size } + count
        for file in files.sorted(by: { $0.path < $1.path }) where total > Self.tornBytesMax {
            try operations.unlink(file.path)
            total -= file.size
        }
    }
}
