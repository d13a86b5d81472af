import Testing

@testable import DepotServer

@Suite struct HTTPDateTests {
    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
    ])
    func `each form of a date is read`(text: String, seconds: Int64) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(arguments: [
        "", "yesterday", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 8:49 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
    ])
    func `what is no date is none`(text: String) { #expect(HTTPDate.seconds(text) == nil) }

    @Test(arguments: [0, 784_111_777, 951_782_400, 253_402_300_799] as [Int64])
    func `a date is read as it was written`(seconds: Int64) {
        #expect(HTTPDate.text(seconds).flatMap(HTTPDate.seconds) == seconds)
    }
}
