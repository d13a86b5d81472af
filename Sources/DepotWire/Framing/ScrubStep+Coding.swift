import DepotCore
import NIOCore

// A step's answer: 1 byte whether another step follows, 8 bytes where it begins, 8 bytes read, 4
// bytes n, n × (1 byte kind, 32 bytes hash, 1 byte verdict), and what is wrong with the segment as
// JSON.

extension ScrubStep {
    /// An upper bound of the encoded form of a step with the largest budget, where all members are
    /// smallest.
    public static let encodedSizeMax = 4 << 20
    /// Of what is said of one problem, in bytes: many are kept until somebody reads them.
    private static let problemTextMax = 512

    public func encoded() throws(DepotError) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt8(next == nil ? 0 : 1))
        buffer.writeInteger(next ?? 0)
        buffer.writeInteger(bytesRead)
        buffer.writeInteger(UInt32(verdicts.count))
        for verdict in verdicts {
            verdict.id.write(to: &buffer)
            buffer.writeInteger(verdict.verdict.rawValue)
        }
        buffer.writeImmutableBuffer(try WireJSON.encode(problems))
        return buffer
    }

    /// - Throws: `invalidArgument` where the bytes are none.
    public init(parsing body: ByteBuffer) throws(DepotError) {
        var buffer = body
        guard let hasNext = buffer.readInteger(as: UInt8.self), hasNext <= 1,
            let next = buffer.readInteger(as: UInt64.self),
            let bytesRead = buffer.readInteger(as: UInt64.self),
            let count = buffer.readInteger(as: UInt32.self),
            ByteCount.range.contains(next), ByteCount.range.contains(bytesRead)
        else { throw Self.malformed }
        var verdicts: [ScrubVerdict] = []
        for _ in 0..<count {
            guard let id = try ObjectID.read(from: &buffer),
                let verdict = buffer.readInteger(as: UInt8.self).flatMap(
                    CheckVerdict.init(rawValue:))
            else { throw Self.malformed }
            verdicts.append(ScrubVerdict(id: id, verdict: verdict))
        }
        let problems = try WireJSON.decode([SegmentProblem].self, from: buffer)
        guard problems.allSatisfy({ $0.what.utf8.count <= Self.problemTextMax }) else {
            throw Self.malformed
        }
        self.init(
            next: hasNext == 1 ? next : nil, bytesRead: bytesRead, verdicts: verdicts,
            problems: problems)
    }

    private static var malformed: DepotError {
        DepotError(
            .invalidArgument,
            "not a step of a scrub: it is cut off, or a number or text in it is beyond its bound")
    }
}
