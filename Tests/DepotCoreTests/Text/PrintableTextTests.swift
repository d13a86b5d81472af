import DepotCore
import Testing

/// A name that holds an escape sequence made a terminal do what it says, one with a bidirectional override showed another
/// ending than it has, and two that differed in a zero-width character looked the same.
@Suite struct PrintableTextTests {
    @Test(arguments: [
        "plain-name.txt", "a b", "Zürich/日本/émigré", "c:\\temp\\new", "back\\", "\\u", "100 %", "👍",
        "שלום", "a\u{301}",
    ])
    func `what can be seen stays as it is`(text: String) {
        #expect(text.printable == text)
        #expect(String(marking: Array(text.utf8)) == text)
    }

    @Test(arguments: [
        ("a\u{1B}[31mred", "a\\u{1B}[31mred"), ("two\nlines\r", "two\\u{0A}lines\\u{0D}"),
        ("\u{7}\u{0}\u{7F}\u{9B}", "\\u{07}\\u{00}\\u{7F}\\u{9B}"),
        ("a\u{202E}gpj.exe", "a\\u{202E}gpj.exe"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
        ("a\u{200B}b\u{FEFF}\u{2060}", "a\\u{200B}b\\u{FEFF}\\u{2060}"),
        ("so\u{AD}ft\u{34F}\u{61C}", "so\\u{AD}ft\\u{34F}\\u{61C}"),
        ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"), ("a\u{FE0F}\u{E0041}", "a\\u{FE0F}\\u{E0041}"),
        ("\u{3164}\u{115F}", "\\u{3164}\\u{115F}"),
        ("\\u{202E}", "\\u{5C}u{202E}"), ("\\\u{202E}", "\\\\u{202E}"),
        ("\\\\u{41}", "\\\\u{5C}u{41}"),
    ])
    func `what cannot is written out, and nothing else looks like it`(text: String, shown: String) {
        #expect(text.printable == shown)
    }

    @Test(arguments: [
        ([0x63, 0x61, 0x66, 0xE9] as [UInt8], "caf\\x{E9}"), ([0xFF, 0xFE], "\\x{FF}\\x{FE}"),
        ([0xC3, 0x28], "\\x{C3}("), ([0xED, 0xA0, 0x80], "\\x{ED}\\x{A0}\\x{80}"),
        ([0xC3, 0xA9, 0xC3], "é\\x{C3}"), ([0xE2, 0x82], "\\x{E2}\\x{82}"), ([], ""),
        ([0x1B, 0xE9], "\u{1B}\\x{E9}"), (Array("\\x{E9}".utf8), "\\x{5C}x{E9}"),
        ([0xF4, 0x90, 0x80, 0x80], "\\x{F4}\\x{90}\\x{80}\\x{80}"),
        ([0xC0, 0xAF], "\\x{C0}\\x{AF}"),
    ])
    func `bytes that are no UTF-8 are marked one by one`(bytes: [UInt8], marked: String) {
        #expect(String(marking: bytes) == marked)
    }
}
