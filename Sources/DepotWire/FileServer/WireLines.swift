import DepotCore
import Glibc
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

    /// Hands over each line but the last, which says how all of it ends.
    ///
    /// - Returns: the last line.
    /// - Throws: `invalidArgument` where there is none, or it is no whole line.
    mutating func readLines(
        beforeLast body: (ByteBuffer) throws(DepotError) -> Void
    ) throws(DepotError) -> ByteBuffer {
        while let line = try readLine() {
            guard readableBytes > 0 else { return line }
            try body(line)
        }
        throw DepotError(.invalidArgument, "a body of lines is empty")
    }

    /// Takes the next line, with the line feed at its end; `nil` where nothing is left.
    ///
    /// - Throws: `invalidArgument` where what is left is no whole line.
    mutating func readLine() throws(DepotError) -> ByteBuffer? {
        guard readableBytes > 0 else { return nil }
        let length = withUnsafeReadableBytes { bytes in
            bytes.baseAddress.flatMap { start in
                memchr(start, Int32(UInt8(ascii: "\n")), bytes.count).map {
                    UnsafeRawPointer($0) - start + 1
                }
            }
        }
        guard let length, let line = readSlice(length: length) else {
            throw DepotError(.invalidArgument, "a body of lines ends in the middle of one")
        }
        return line
    }
}
