import DepotCore
import NIOCore

/// Bodies that are lines, each of which is JSON.
public enum WireLines {
    public static let contentType = "application/x-ndjson"
}

extension ByteBuffer {
    mutating func writeLine(_ value: some Encodable) throws(DepotError) {
        writeImmutableBuffer(try WireJSON.encode(value))
        writeString("\n")
    }

    /// Takes the next line, with the line feed at its end; `nil` where nothing is left.
    ///
    /// - Throws: `invalidArgument` where what is left is no whole line.
    mutating func readLine() throws(DepotError) -> ByteBuffer? {
        guard readableBytes > 0 else { return nil }
        let end = readableBytesView.firstIndex(of: UInt8(ascii: "\n"))
        guard let end, let line = readSlice(length: end - readerIndex + 1) else {
            throw DepotError(.invalidArgument, "a body of lines ends in the middle of one")
        }
        return line
    }
}
