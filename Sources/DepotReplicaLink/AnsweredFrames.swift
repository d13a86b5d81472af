import DepotCore
import DepotWire
import NIOCore

/// The objects that a replica gives to a question for some, taken apart while they come. Nothing is
/// kept that was not asked for, and no more bytes than the question allows: an object's length is
/// judged before its first byte.
struct AnsweredFrames {
    private var parser = ObjectFrameParser()
    private var wanted: ArraySlice<ObjectID>
    private(set) var bytesLeft: Int
    private var objects: [StoredObject?] = []
    private var current: ObjectFrame?
    private var parts: [ByteBuffer] = []

    init(wanted: [ObjectID], bytesMax: Int) {
        self.wanted = wanted[...]
        bytesLeft = bytesMax
    }

    /// - Throws: where the bytes are none that the question allows. Nothing can be read after that.
    mutating func take(_ bytes: ByteBuffer) throws(DepotError) {
        parser.append(bytes)
        while let event = try parser.next() {
            switch event {
            case .begin(let frame): try begin(frame)
            case .content(let bytes): parts.append(bytes)
            case .end: end()
            }
        }
    }

    private mutating func begin(_ frame: ObjectFrame) throws(DepotError) {
        guard frame.id == wanted.popFirst(), frame.status != .missing else {
            throw Self.fault("another object than the one that was asked for")
        }
        let most = frame.id.kind == .record ? min(bytesLeft, Limits.recordBatchSizeMax) : bytesLeft
        guard frame.length <= most else {
            throw Self.fault(
                "\(frame.length) bytes as \(frame.id.hash), where \(most) are the most")
        }
        bytesLeft -= frame.length
        current = frame
        parts = []
    }

    private mutating func end() {
        guard let frame = current else { return }
        objects.append(
            frame.status == .absent
                ? nil : StoredObject(id: frame.id, length: frame.length, bytes: .memory(parts)))
        parts = []
    }

    /// In the order of the question.
    mutating func finish() throws(DepotError) -> [StoredObject?] {
        try parser.finish()
        guard wanted.isEmpty else { throw Self.fault("fewer objects than were asked for") }
        return objects
    }

    private static func fault(_ what: String) -> DepotError { DepotError(.misbehaving, what) }
}
