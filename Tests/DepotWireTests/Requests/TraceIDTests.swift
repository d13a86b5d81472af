import DepotWire
import Testing

struct TraceIDTests {
    @Test(arguments: ["a", "4bf92f3577b34da6a3ce929d0e0e4736", "a-b_c.D9"])
    func `what proxies choose is taken as it is`(text: String) {
        #expect(TraceID(text)?.description == text)
    }

    @Test func `it has 1 to 64 characters`() {
        #expect(TraceID("") == nil)
        #expect(TraceID(String(repeating: "a", count: 64)) != nil)
        #expect(TraceID(String(repeating: "a", count: 65)) == nil)
    }

    @Test(arguments: ["a b", "a\nb", "a\"b", "a=b", "ä", "a/b", "a\u{0}"])
    func `what a log would be misread by is none`(text: String) { #expect(TraceID(text) == nil) }

    @Test func `what is made is one, and another one each time`() {
        let made = (0..<100).map { _ in TraceID.random() }
        #expect(Set(made).count == 100)
        #expect(made.allSatisfy { TraceID($0.description) == $0 })
    }
}
