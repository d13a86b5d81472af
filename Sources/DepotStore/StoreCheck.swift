import DepotCore
import Glibc
import Logging

/// Reads the folder of a stopped replica from the first byte to the last, without a server. Changes
/// nothing: it reports what a start would recover.
public struct StoreCheck: Sendable {
    /// A member that is not what its header or its segment's ending says.
    public struct BadMember: Sendable, Codable {
        public let object: ObjectID?
        public let segment: UInt32
        public let offset: UInt64
        /// Whether a whole copy of the object lies elsewhere in the folder.
        public var hasGoodCopy = false
    }

    public struct Report: Sendable, Codable {
        public let replica: ReplicaID
        public var segments = 0
        public var unsealedSegments = 0
        @ByteCount public var bytes: UInt64 = 0
        public var members = 0
        public var badMembers: [BadMember] = []
        /// What is wrong with segments themselves, by number.
        public var problems: [UInt32: [SegmentProblem]] = [:]
        /// Bytes behind the last whole member of segments that were not sealed: a write that a
        /// crash cut off.
        @ByteCount public var tornBytes: UInt64 = 0

        /// Whether every member is what it should be.
        public var isClean: Bool { badMembers.isEmpty && problems.isEmpty }
        /// Whether nothing is lost, though not all is clean: every damaged member has a whole copy
        /// in the folder.
        public var isWhole: Bool { badMembers.allSatisfy(\.hasGoodCopy) }
    }

    private let path: String
    private let logger: Logger

    public init(folder path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    /// Blocks the caller while it reads.
    ///
    /// - Parameter onBytes: told of bytes that were read, and of all that there are.
    /// - Throws: `notFound` where there is no replica's folder; `conflict` where its replica runs;
    ///   `formatUnsupported`; `storeFailed`.
    public func run(
        onBytes: (_ read: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) throws(DepotError) -> Report {
        let folder = try ReplicaFolder(existing: path)
        guard let identity = try folder.readIdentity() else {
            throw DepotError(.notFound, "this is no replica's folder", object: path)
        }
        var report = Report(replica: identity.replica)
        var files: [SegmentFile] = []
        let numbers = try folder.segmentNumbers()
        for number in numbers {
            files.append(
                try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY))
        }
        var total: UInt64 = 0
        for file in files { total.increase(by: try file.size()) }
        var good: Set<ObjectID> = []
        for file in files {
            let known = identity.knows(file.number, of: numbers)
            try check(file, known, into: &report, good: &good)
            let size = try file.size()
            report.bytes += size
            onBytes(size, total)
        }
        for index in report.badMembers.indices {
            let object = report.badMembers[index].object
            report.badMembers[index].hasGoodCopy = object.map(good.contains) ?? false
        }
        return report
    }

    private func check(
        _ file: SegmentFile, _ known: SegmentKnowledge, into report: inout Report,
        good: inout Set<ObjectID>
    ) throws(DepotError) {
        report.segments += 1
        guard let sealed = try SegmentRecovery.readSealed(file, known) else {
            return try checkUnsealed(file, known, into: &report, good: &good)
        }
        let nonce = sealed.segment.nonce
        var scrub = SegmentScrub(try ColdReader(file), nonce: nonce, logger)
        var sound: Set<UInt64> = []
        var copies: [(ObjectID, Location)] = []
        for member in sealed.members {
            guard let id = member.path.objectID else { continue }
            copies.append(
                (
                    id,
                    Location(
                        segment: file.number, nonce: nonce, offset: member.offset,
                        length: member.length)
                ))
        }
        // A damaged INDEX may list them in any order.
        copies.sort { $0.1.offset < $1.1.offset }
        scrub.read(copies)
        for (copy, verdict) in zip(copies, scrub.verdicts) {
            report.members += 1
            if verdict.verdict == .good {
                good.insert(copy.0)
                sound.insert(copy.1.offset)
            } else {
                report.badMembers.append(
                    BadMember(object: copy.0, segment: file.number, offset: copy.1.offset))
            }
        }
        scrub.readStructure(sound: sound)
        if !scrub.problems.isEmpty { report.problems[file.number] = scrub.problems }
    }

    /// A segment without a valid ending. Either it was being written when its replica ended, or its
    /// ending is damaged; the disk does not tell which.
    private func checkUnsealed(
        _ file: SegmentFile, _ known: SegmentKnowledge, into report: inout Report,
        good: inout Set<ObjectID>
    ) throws(DepotError) {
        let scan = try SegmentScan(file, known)
        report.unsealedSegments += 1
        report.members += scan.members.count + scan.damaged.count
        report.tornBytes += scan.torn
        good.formUnion(scan.members.compactMap(\.path.objectID))
        for member in scan.damaged {
            report.badMembers.append(
                BadMember(
                    object: member.path.objectID, segment: file.number, offset: member.offset))
        }
    }
}
