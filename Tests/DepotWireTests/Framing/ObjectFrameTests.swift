import DepotCore
import NIOCore
import Testing

@testable import DepotWire

@Suite struct ObjectFrameTests {
    /// Other programs may read this: the bytes are as they are.
    @Test func `a frame has these bytes`() throws {
        var buffer = ByteBuffer()
        ObjectFrame(
            id: .record(try Known.id()), status: .present, length: 1_234,
            replica: try Known.replica()
        ).write(to: &buffer)
        ObjectFrame(
            id: .chunk(try Known.id()), status: .absent, length: 0, replica: nil
        ).write(to: &buffer)
        let golden = ByteBuffer(
            digits: "44314f46 01 00 0000 000004d2 00000000" + Known.uuid + Known.hash
                + "44314f46 00 01 0000 00000000 00000000" + String(repeating: "0", count: 32)
                + Known.hash)
        #expect(golden.readableBytes == 2 * ObjectFrame.headerSize)
        #expect(buffer == golden)
        #expect(String(buffer: golden).hasPrefix("D1OF"))
    }

    @Test func `a frame that was written is read as it was`() throws {
        let frames = [
            ObjectFrame(
                id: .chunk(try Known.id()), status: .present, length: Limits.chunkSizeMax,
                replica: nil),
            ObjectFrame(
                id: .record(try Known.id()), status: .absent, length: 0,
                replica: try Known.replica()),
        ]
        var buffer = ByteBuffer()
        for frame in frames { frame.write(to: &buffer) }
        for frame in frames { #expect(try ObjectFrame.read(from: &buffer) == frame) }
        #expect(try ObjectFrame.read(from: &buffer) == nil)
    }

    static let faults: [(digits: String, fault: String)] = [
        ("44314f47 00 00 0000 00000001 00000000", "another magic"),
        ("44314f46 02 00 0000 00000001 00000000", "another kind"),
        ("44314f46 00 02 0000 00000001 00000000", "another status"),
        ("44314f46 00 00 0001 00000001 00000000", "what is to be zero"),
        ("44314f46 00 00 0000 00000001 00000001", "what is to be zero, behind the length"),
        ("44314f46 00 00 0000 00000000 00000000", "an object without bytes"),
        ("44314f46 00 00 0000 00800001 00000000", "a byte more than a chunk may have"),
        ("44314f46 00 00 0000 ffffffff 00000000", "the largest number"),
        ("44314f46 00 01 0000 00000001 00000000", "bytes of what is absent"),
    ]

    @Test(arguments: faults)
    func `what is no frame is refused`(digits: String, fault: String) throws {
        var buffer = ByteBuffer(digits: digits + Known.uuid + Known.hash)
        #expect(buffer.readableBytes == ObjectFrame.headerSize)
        let error = #expect(throws: DepotError.self, "\(fault)") {
            try ObjectFrame.read(from: &buffer)
        }
        #expect(error?.code == .invalidArgument)
    }
}
