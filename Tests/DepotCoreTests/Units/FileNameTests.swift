import FoundationEssentials
import Testing

@testable import DepotCore

@Suite struct FileNameTests {
    @Test(arguments: [
        "a", "a/b", "...", "..a", "a..", "a/.../b", ".hidden", "a b", "ä/日本/🦆", "-", "~", "a\\b",
        "C:", String(repeating: "x", count: 1_024),
        String(repeating: "é", count: 512), "e\u{301}", "\u{a0}", "a\u{2028}b",
    ])
    func `these are names`(text: String) throws {
        #expect(try FileName(text).text.utf8.elementsEqual(text.utf8))
        #expect(try PathName(text).text.utf8.elementsEqual(text.utf8))
    }

    @Test(arguments: [
        ("/", "it is absolute; give a relative path"),
        ("/etc/passwd", "it is absolute; give a relative path"),
        ("a//b", "it has an empty part (//, or / at the end)"),
        ("a/", "it has an empty part (//, or / at the end)"),
        (".", "'.' and '..' are not allowed in it"),
        ("..", "'.' and '..' are not allowed in it"),
        ("../x", "'.' and '..' are not allowed in it"),
        ("a/../b", "'.' and '..' are not allowed in it"),
        ("a/./b", "'.' and '..' are not allowed in it"),
        ("a/..", "'.' and '..' are not allowed in it"),
        ("a\nb", "it contains a control character"),
        ("a\r\nb", "it contains a control character"),
        ("\u{1b}[31m", "it contains a control character"),
        ("a\u{7f}", "it contains a control character"),
        ("a\u{80}", "it contains a control character"),
        ("a\u{85}b", "it contains a control character"),
        ("a\u{9f}", "it contains a control character"),
    ])
    func `these are names of no path, and it is said why`(
        text: String, reason: String
    ) throws {
        let name = try FileName(text)
        for make in [{ try PathName(name) }, { try PathName(text) }] as [() throws -> PathName] {
            do {
                _ = try make()
                Issue.record("accepted")
            } catch {
                let error = try #require(error as? DepotError)
                #expect(error.code == .invalidArgument)
                #expect(error.message == "not the name of a path: \(reason)")
            }
        }
    }

    @Test(arguments: [
        ("", "it is empty"), ("a\u{0}b", "it contains a zero"), ("\u{0}", "it contains a zero"),
        (
            String(repeating: "x", count: 1_025), "it has 1025 bytes, at most 1024 are allowed"
        ),
        (
            String(repeating: "é", count: 512) + "x",
            "it has 1025 bytes, at most 1024 are allowed"
        ),
    ])
    func `these are not, and it is said why`(text: String, reason: String) {
        do throws(DepotError) {
            _ = try FileName(text)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidArgument)
            #expect(error.message == "not a file name: \(reason)")
        }
    }

    @Test func `an error names the text as it is, and not much of it`() {
        do throws(DepotError) {
            _ = try FileName("\u{1b}[31m" + String(repeating: "x", count: 2_000))
            Issue.record("accepted")
        } catch {
            let shown = error.object ?? ""
            #expect(shown.hasPrefix("\u{1b}[31mxxx") && shown.hasSuffix("x…"))
            #expect(shown.utf8.count < 200)
        }
    }

    @Test func `names are equal by bytes, not by look`() throws {
        let composed = try FileName("\u{e9}")
        let decomposed = try FileName("e\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
        #expect(composed.nameHash != decomposed.nameHash)
        #expect(decomposed < composed)
        #expect(try FileName("a/b") < FileName("a0"))
    }

    @Test func `JSON is checked as it is read`() throws {
        let name = try FileName("a/\"b\"")
        let json = try JSONEncoder().encode([name])
        #expect(try JSONDecoder().decode([FileName].self, from: json) == [name])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([FileName].self, from: Data("[\"\"]".utf8))
        }
    }
}
