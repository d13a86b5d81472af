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
    private enum Value {
        case quoted(String)
        case texts([String: String])
        case number(Range<Int>)
        case yes
    }

    private let bytes: [UInt8]
    private var fields: [(key: Range<Int>, value: Value)] = []
    private var next = 0

    /// Up to the first thing that is no field.
    init(_ text: ByteBuffer) {
        var scan = RecordScan(Array(text.readableBytesView))
        fields.reserveCapacity(16)
        var before = UInt8(ascii: "{")
        while scan.skip(before), let key = scan.key(), let value = Self.value(&scan) {
            before = UInt8(ascii: ",")
            fields.append((key, value))
        }
        bytes = scan.bytes
    }

    private static func value(_ scan: inout RecordScan) -> Value? {
        switch scan.byte {
        case UInt8(ascii: "\""): scan.quoted().map(Value.quoted)
        case UInt8(ascii: "{"): scan.texts().map(Value.texts)
        case UInt8(ascii: "t"): scan.skip("true") ? .yes : nil
        default: scan.number().map(Value.number)
        }
    }

    private func isNext(_ key: StaticString) -> Bool {
        guard next < fields.count, fields[next].key.count == key.utf8CodeUnitCount else {
            return false
        }
        return key.withUTF8Buffer { bytes[fields[next].key].elementsEqual($0) }
    }

    mutating func quoted(_ key: StaticString) -> String? {
        guard isNext(key), case .quoted(let text) = fields[next].value else { return nil }
        next += 1
        return text
    }

    mutating func texts(_ key: StaticString) -> [String: String]? {
        guard isNext(key), case .texts(let texts) = fields[next].value else { return nil }
        next += 1
        return texts
    }

    mutating func number<Number: FixedWidthInteger>(
        _ key: StaticString, as type: Number.Type
    ) -> Number? {
        guard isNext(key), case .number(let digits) = fields[next].value,
            let number = Number(String(decoding: bytes[digits], as: UTF8.self))
        else { return nil }
        next += 1
        return number
    }

    mutating func isTrue(_ key: StaticString) -> Bool {
        guard isNext(key), case .yes = fields[next].value else { return false }
        next += 1
        return true
    }

    /// - Throws: `invalidArgument` where the field is absent, or is something else.
    static func require<Value>(_ key: String, _ value: Value?) throws(DepotError) -> Value {
        guard let value else {
            throw DepotError(.invalidArgument, "'\(key)' is missing, or is something else")
        }
        return value
    }
}

/// Goes over a record's bytes. What it returns `nil` for, it may have gone into.
private struct RecordScan {
    let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next one; 0 behind the last.
    var byte: UInt8 { place < bytes.count ? bytes[place] : 0 }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard self.byte == byte, place < bytes.count else { return false }
        place += 1
        return true
    }

    mutating func skip(_ word: StaticString) -> Bool {
        let end = place + word.utf8CodeUnitCount
        guard end <= bytes.count,
            word.withUTF8Buffer({ bytes[place..<end].elementsEqual($0) })
        else { return false }
        place = end
        return true
    }

    /// A key, and the colon behind it.
    mutating func key() -> Range<Int>? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") { place += 1 }
        let end = place
        return skip("\":") ? start..<end : nil
    }

    mutating func number() -> Range<Int>? {
        let start = place
        while byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            place += 1
        }
        return start < place ? start..<place : nil
    }

    mutating func texts() -> [String: String]? {
        var texts: [String: String] = [:]
        var before = UInt8(ascii: "{")
        while skip(before) {
            before = UInt8(ascii: ",")
            guard let name = quoted(), skip(UInt8(ascii: ":")), let text = quoted() else {
                return nil
            }
            texts[name] = text
        }
        return skip(UInt8(ascii: "}")) ? texts : nil
    }

    mutating func quoted() -> String? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = place
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                place += 1
                return String(decoding: bytes[start..<place - 1], as: UTF8.self)
            case UInt8(ascii: "\\"): return escaped(after: bytes[start..<place])
            default: place += 1
            }
        }
        return nil
    }

    /// The rest of a text in which the first escape comes now.
    private mutating func escaped(after start: ArraySlice<UInt8>) -> String? {
        var text = Array(start)
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard skip("u00") else {
                    text.append(self.byte)
                    place += 1
                    continue
                }
                guard place + 2 <= bytes.count,
                    let low = UInt8(
                        String(decoding: bytes[place..<place + 2], as: UTF8.self), radix: 16)
                else { return nil }
                place += 2
                text.append(low)
            default: text.append(byte)
            }
        }
        return nil
    }
}
