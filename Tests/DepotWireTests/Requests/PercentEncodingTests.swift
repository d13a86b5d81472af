import DepotCore
import DepotTestSupport
import Testing

@testable import DepotWire

@Suite struct PercentEncodingTests {
    @Test(arguments: [
        ("a/B-9._~", "a/B-9._~"), ("%", "%25"), ("a b+c", "a%20b%2Bc"), ("é", "%C3%A9"),
        ("e\u{301}", "e%CC%81"), ("\r\n\"'\\", "%0D%0A%22%27%5C"), ("", ""), ("\u{0}", "%00"),
    ])
    func `what is encoded is what was decoded`(text: String, encoded: String) throws {
        #expect(PercentEncoding.encode(text) == encoded)
        #expect(try PercentEncoding.decode(encoded).utf8.elementsEqual(text.utf8))
    }

    @Test(arguments: ["%", "%1", "%g0", "a%0", "%ff", "%C3"])
    func `what is no encoding is refused`(text: String) async {
        await expectError(.invalidArgument) { _ = try PercentEncoding.decode(text) }
    }
}
