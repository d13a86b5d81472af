import DepotCore
import NIOCore

// Frames arrive in slices of whatever size the network made. The parser never copies content, and
// holds no more of it than the slices that it was given and not asked for yet.

/// Takes a batch of objects apart while it arrives.
///
/// Give it each slice with `append`, then call `next` until it answers `nil`; at the end of the
/// body, `finish`.
public struct ObjectFrameParser: Sendable {
    public enum Event: Sendable, Equatable {
        case begin(ObjectFrame)
        /// Some of the object's bytes; at least one.
        case content(ByteBuffer)
        /// The object is whole.
        case end
    }

    private var pending: CircularBuffer<ByteBuffer> = []
    /// The bytes of a header that came in pieces.
    private var header = ByteBuffer()
    /// What is missing of the object under way.
    private var missing: Int?
    private var objects = 0
    private let objectsMax: Int

    /// - Parameter objectsMax: more frames than this are refused.
    public init(objectsMax: Int = WireLimits.batchObjectsMax) { self.objectsMax = objectsMax }

    public mutating func append(_ slice: ByteBuffer) {
        if slice.readableBytes > 0 { pending.append(slice) }
    }

    /// The next event, or `nil` until more bytes are there.
    ///
    /// - Throws: `invalidArgument` for bytes that are no frame; `tooLarge` for too many objects.
    ///   Nothing can be read after an error.
    public mutating func next() throws(DepotError) -> Event? {
        guard let missing else { return try nextHeader() }
        if missing == 0 {
            self.missing = nil
            return .end
        }
        guard var slice = pending.popFirst() else { return nil }
        let length = min(missing, slice.readableBytes)
        guard let content = slice.readSlice(length: length) else { return nil }
        if slice.readableBytes > 0 { pending.prepend(slice) }
        self.missing = missing - length
        return .content(content)
    }

    private mutating func nextHeader() throws(DepotError) -> Event? {
        while header.readableBytes < ObjectFrame.headerSize, var slice = pending.popFirst() {
            let wanted = ObjectFrame.headerSize - header.readableBytes
            var part = slice.readSlice(length: min(wanted, slice.readableBytes)) ?? ByteBuffer()
            header.writeBuffer(&part)
            if slice.readableBytes > 0 { pending.prepend(slice) }
        }
        guard let frame = try ObjectFrame.read(from: &header) else { return nil }
        header.clear()
        objects += 1
        guard objects <= objectsMax else {
            throw DepotError(.tooLarge, "a batch has at most \(objectsMax) objects")
        }
        missing = frame.length
        return .begin(frame)
    }

    /// To be called when the body is over and `next` has answered `nil`.
    ///
    /// - Throws: `invalidArgument` where it ended in the middle of an object or a header.
    public func finish() throws(DepotError) {
        guard missing == nil, header.readableBytes == 0, pending.isEmpty else {
            throw DepotError(
                .invalidArgument, "the batch ended in the middle of an object; send it again")
        }
    }
}
