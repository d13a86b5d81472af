import DepotCore
import Testing

@Suite struct ByteOrderTests {
    @Test func `texts are compared by their bytes`() {
        let texts = [
            "", "a", "a/", "a/b", "a0", "b", "e\u{301}", "\u{e9}", "\u{7f}", "\u{80}", "日本", "🦆",
            String(repeating: "x", count: 15), String(repeating: "x", count: 16),
            String(repeating: "x", count: 1_000), String(repeating: "x", count: 1_000) + "y",
            "a\0", "a\0b",
        ]
        for left in texts {
            for right in texts {
                #expect(
                    left.precedesByBytes(right)
                        == left.utf8.lexicographicallyPrecedes(right.utf8), "\(left), \(right)")
                #expect(
                    left.equalsByBytes(right) == left.utf8.elementsEqual(right.utf8),
                    "\(left), \(right)")
            }
        }
    }
}
