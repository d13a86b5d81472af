import NIOCore

// Everybody who stores a small file parses its record, and so do both sides for each name that is
// listed or committed; a decoder of any JSON took a sixth of a replica's time. Ids and numbers are
// made straight from the bytes. The reader may be lenient: a record that it makes is written again
// and compared.

/// Reads fields in their order. One that is not next is absent; behind one that is
/// something else than it should be, all are.
package struct FieldReader {
    private var scan: FieldScan
    /// Of the field that is next; `nil` behind the last, and at the first thing that is no field.
    private var key: Range<Int>?

    package init(_ text: ByteBuffer) {
        scan = FieldScan(Array(text.readableBytesView))
        key = scan.skip(UInt8(ascii: "{")) ? scan.key() : nil
    }

    /// Whether all of it was read, and it ends as what `FieldWriter` writes.
    package var isAtEnd: Bool {
        var rest = scan
        return key == nil && rest.skip("}\n") && rest.place == rest.bytes.count
    }

    /// Takes the field where it is next, and is what it should be.
    private mutating func take<Value>(
        _ key: StaticString, _ value: (inout FieldScan) -> Value?
    ) -> Value? {
        guard let next = self.key, scan.bytes(next, are: key) else { return nil }
        let place = scan.place
        guard let value = value(&scan) else {
            scan.place = place
            return nil
        }
        self.key = scan.skip(UInt8(ascii: ",")) ? scan.key() : nil
        return value
    }

    package mutating func quoted(_ key: StaticString) -> String? { take(key) { $0.quoted() } }

    /// A text that is spelled in one way, without escapes.
    mutating func quoted<Value>(
        _ key: StaticString, _ parse: (ArraySlice<UInt8>) -> Value?
    ) -> Value? {
        take(key) { scan in scan.plain().flatMap { parse(scan.bytes[$0]) } }
    }

    package mutating func chunkID(_ key: StaticString) -> ChunkID? {
        quoted(key) { ChunkID(hexDigits: $0) }
    }

    package mutating func sequence(_ key: StaticString) -> CommitSequence? {
        quoted(key) { CommitSequence(utf8: $0) }
    }

    package mutating func depositID(_ key: StaticString) -> DepositID? {
        quoted(key) { DepositID(utf8: $0) }
    }

    package mutating func count(_ key: StaticString) -> UInt64? { number(key, as: UInt64.self) }

    mutating func texts(_ key: StaticString) -> [String: String]? { take(key) { $0.texts() } }

    mutating func number<Number: FixedWidthInteger>(
        _ key: StaticString, as type: Number.Type
    ) -> Number? {
        take(key) { $0.number(as: type) }
    }

    package mutating func isTrue(_ key: StaticString) -> Bool {
        take(key) { $0.skip("true") ? true : nil } ?? false
    }

    /// - Throws: `invalidArgument` where the field is absent, or is something else.
    package static func require<Value>(_ key: String, _ value: Value?) throws(DepotError) -> Value {
        guard let value else {
            throw DepotError(.invalidArgument, "'\(key)' is missing, or is something else")
        }
        return value
    }
}

/// Goes over a record's bytes. What it returns `nil` for, it may have gone into.
private struct FieldScan {
    let bytes: [UInt8]
    var place = 0

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
        guard end <= bytes.count, bytes(place..<end, are: word) else { return false }
        place = end
        return true
    }

    /// Whether these bytes, which are there, are a word.
    func bytes(_ range: Range<Int>, are word: StaticString) -> Bool {
        range.count == word.utf8CodeUnitCount
            && word.withUTF8Buffer { word in
                bytes.withUnsafeBufferPointer { $0[range].elementsEqual(word) }
            }
    }

    /// A key, and the colon behind it.
    mutating func key() -> Range<Int>? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") { place += 1 }
        let end = place
        return skip("\":") ? start..<end : nil
    }

    mutating func number<Number: FixedWidthInteger>(as type: Number.Type) -> Number? {
        let isNegative = skip(UInt8(ascii: "-"))
        let start = place
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        guard let magnitude = DecimalDigits.value(bytes[start..<place]) else { return nil }
        return Number(exactly: isNegative ? -Int128(magnitude) : Int128(magnitude))
    }

    /// A text without an escape.
    mutating func plain() -> Range<Int>? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = place
        while byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), place < bytes.count {
            place += 1
        }
        let end = place
        return skip(UInt8(ascii: "\"")) ? start..<end : nil
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
        let start = place
        if let range = plain() { return String(decoding: bytes[range], as: UTF8.self) }
        guard byte == UInt8(ascii: "\\"), start < place else { return nil }
        return escaped(after: bytes[start + 1..<place])
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
                guard place + 2 <= bytes.count, let high = HexDigit.value(of: bytes[place]),
                    let low = HexDigit.value(of: bytes[place + 1])
                else { return nil }
                place += 2
                text.append(high << 4 | low)
            default: text.append(byte)
            }
        }
        return nil
    }
}
