import NIOCore

// A record is JSON in one spelling: keys in alphabetical order, no space, no escape but \", \\ and,
// for bytes below the space, \u00 with two lowercase digits, absent metadata left out, one line feed
// at the end. The same record thus always has the same bytes and id, on every machine. Written here
// rather than by an encoder, because ids may not depend on a library's idea of JSON. Read here,
// too: each small file's record is parsed by everybody who stores it, and a decoder of any JSON
// took a sixth of a replica's time. The reader may be lenient: what it makes is written again and
// compared.

/// Writes a record's fields.
struct RecordFieldWriter {
    private var bytes: [UInt8] = []

    init() {
        // Most records, but those with long names.
        bytes.reserveCapacity(512)
        bytes.append(UInt8(ascii: "{"))
    }

    mutating func add(_ key: StaticString, _ value: (some LosslessStringConvertible)?) {
        guard let value else { return }
        begin(key)
        bytes.append(contentsOf: value.description.utf8)
    }

    mutating func add(_ key: StaticString, quoted value: String?) {
        guard let value else { return }
        begin(key)
        quote(value)
    }

    /// Texts by name, in the order of the names' bytes; an empty set is left out.
    mutating func add(_ key: StaticString, texts: [String: String]?) {
        guard let texts, !texts.isEmpty else { return }
        begin(key)
        var separator = UInt8(ascii: "{")
        for (name, text) in texts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        {
            bytes.append(separator)
            separator = UInt8(ascii: ",")
            quote(name)
            bytes.append(UInt8(ascii: ":"))
            quote(text)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(contentsOf: [byte >> 4, byte & 15].map { Self.digits[Int($0)] })
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private mutating func begin(_ key: StaticString) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: "\":".utf8)
    }

    consuming func finish() -> [UInt8] {
        bytes.append(contentsOf: "}\n".utf8)
        return bytes
    }
}

/// Reads a record's fields in their order. One that is not next is absent.
struct RecordFieldReader {
    private var rest: ByteBuffer
    private var isFirst = true

    init(_ text: ByteBuffer) { rest = text }

    mutating func quoted(_ key: StaticString) -> String? {
        take(key) { $0.readQuoted() }
    }

    mutating func texts(_ key: StaticString) -> [String: String]? {
        take(key) { rest in
            var texts: [String: String] = [:]
            var before = "{"
            while rest.skip(before) {
                before = ","
                guard let name = rest.readQuoted(), rest.skip(":"), let text = rest.readQuoted()
                else { return nil }
                texts[name] = text
            }
            return rest.skip("}") ? texts : nil
        }
    }

    mutating func number<Number: FixedWidthInteger>(
        _ key: StaticString, as type: Number.Type
    ) -> Number? {
        take(key) { rest in
            let digits = rest.readableBytesView.prefix {
                $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
            rest.moveReaderIndex(forwardBy: digits.count)
            return Number(Substring(decoding: digits, as: UTF8.self))
        }
    }

    mutating func isTrue(_ key: StaticString) -> Bool {
        take(key) { $0.skip("true") ? true : nil } ?? false
    }

    /// - Throws: `invalidArgument` where the field is absent, or is something else.
    static func require<Value>(_ key: String, _ value: Value?) throws(DepotError) -> Value {
        guard let value else {
            throw DepotError(.invalidArgument, "'\(key)' is missing, or is something else")
        }
        return value
    }

    private mutating func take<Value>(
        _ key: StaticString, _ read: (inout ByteBuffer) -> Value?
    ) -> Value? {
        var ahead = rest
        guard ahead.skip(isFirst ? "{\"" : ",\""), ahead.skip(key), ahead.skip("\":"),
            let value = read(&ahead)
        else { return nil }
        rest = ahead
        isFirst = false
        return value
    }
}

extension ByteBuffer {
    fileprivate mutating func readQuoted() -> String? {
        guard readInteger(as: UInt8.self) == UInt8(ascii: "\"") else { return nil }
        var value: [UInt8] = []
        while let byte = readInteger(as: UInt8.self) {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard skip("u00") else {
                    value.append(readInteger() ?? byte)
                    continue
                }
                guard let digits = readString(length: 2), let low = UInt8(digits, radix: 16) else {
                    return nil
                }
                value.append(low)
            default: value.append(byte)
            }
        }
        return nil
    }

    fileprivate mutating func skip(_ literal: String) -> Bool {
        skip(literal.utf8.count) { $0.elementsEqual(literal.utf8) }
    }

    fileprivate mutating func skip(_ literal: StaticString) -> Bool {
        literal.withUTF8Buffer { literal in skip(literal.count) { $0.elementsEqual(literal) } }
    }

    private mutating func skip(_ count: Int, where matches: (ByteBufferView) -> Bool) -> Bool {
        guard readableBytes >= count, matches(readableBytesView.prefix(count)) else { return false }
        moveReaderIndex(forwardBy: count)
        return true
    }
}
