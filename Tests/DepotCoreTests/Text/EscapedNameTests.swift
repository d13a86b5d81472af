import DepotCore
import Testing

/// Files whose names are no UTF-8 could not be deposited at all; restored under other bytes they would be other files.
@Suite struct EscapedNameTests {
    @Test(arguments: [
        ("plain", "plain"), ("é日", "é日"), ("a\tb", "a‛09b"), ("a‛b", "a‛‛b"), ("\u{85}", "‛C2‛85"),
        ("‛09", "‛‛09"), ("\u{2028}", "\u{2028}"), ("%FF\\x", "%FF\\x"),
    ])
    func `control characters and the mark are escaped, and nothing else`(
        _ path: String, _ name: String
    ) {
        #expect(EscapedName.text(of: path.utf8) == name)
        #expect(EscapedName.bytes(of: name) == Array(path.utf8))
    }

    @Test func `bytes that are no text have a name`() {
        let latin: [UInt8] = [0x63, 0x61, 0x66, 0xE9]
        #expect(EscapedName.text(of: latin) == "caf‛E9")
        // The beginning of a character, and nothing behind it.
        #expect(EscapedName.text(of: [0xE2, 0x80]) == "‛E2‛80")
        #expect(EscapedName.text(of: [0xE2, 0x80, 0x41]) == "‛E2‛80A")
    }

    @Test func `every path has one name, and comes back from it as the same bytes`() throws {
        var generator = SeededGenerator(seed: 18)
        let common: [UInt8] = [0xE2, 0x80, 0x9B, 0x2F, 0x41, 0x46, 0x09, 0xC2, 0x85, 0xFF, 0xF0]
        var names: [String: [UInt8]] = [:]
        for _ in 0..<20_000 {
            let path = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? common.randomElement(using: &generator) ?? 1
                    : UInt8.random(in: 1...255, using: &generator)
            }
            let name = EscapedName.text(of: path)
            #expect(EscapedName.bytes(of: name) == path)
            #expect(names.updateValue(path, forKey: name) ?? path == path)
            #expect(!name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
        }
    }

    /// Whoever chooses names in the depot must not choose paths with them.
    @Test(arguments: [
        "‛2E‛2E", "a‛2Fb", "‛00", "‛41", "‛c3", "‛C3‛A9", "‛", "‛E", "‛+9", "a‛G1", "‛‛‛", "‛ 9",
    ])
    func `a name that no path has stands for itself`(_ name: String) {
        #expect(EscapedName.bytes(of: name) == Array(name.utf8))
    }
}
