import DepotCore
import Foundation
import Testing

/// A file of the year 2445 ended the client, and a record with the lowest time there is whoever retrieved its file.
@Suite struct FileTimeTests {
    private static let second: Int64 = 1_000_000_000
    private static let extremes: [Int64] = [
        .min, .min + 1, -second - 1, -second, -second + 1, -1, 0, 1, second - 1, second, 1 << 31,
        1 << 32, 1 << 53, 1 << 61, .max - 1, .max,
    ]

    @Test(arguments: extremes)
    func `seconds are rounded down, and the rest is behind them`(_ nanoseconds: Int64) {
        let time = FileTime(nanoseconds: nanoseconds)
        #expect((0..<Self.second).contains(time.nanosecondsOfSecond))
        let whole = Int128(time.seconds) * Int128(Self.second) + Int128(time.nanosecondsOfSecond)
        #expect(whole == Int128(nanoseconds))
        #expect(FileTime(seconds: time.seconds, nanoseconds: time.nanosecondsOfSecond) == time)
        #expect(time.nanoseconds == nanoseconds)
    }

    /// 2262 ends what 64 bits of nanoseconds can say; ext4 has times until 2446, XFS until 2486.
    @Test(arguments: [
        (9_223_372_036, 854_775_807, "9223372036.854775807"),
        (9_223_372_036, 854_775_808, "9223372036.854775808"),
        (-9_223_372_037, 145_224_191, "-9223372036.854775809"),
        (15_000_000_000, 0, "15000000000.000000000"), (-1, 999_999_999, "-0.000000001"),
        (-1, 0, "-1.000000000"), (-2, 1, "-1.999999999"), (0, 0, "0.000000000"),
        (0, 5, "0.000000005"), (Int64.max, 999_999_999, "9223372036854775807.999999999"),
        (Int64.min, 0, "-9223372036854775808.000000000"),
        (Int64.min, 1, "-9223372036854775807.999999999"),
    ])
    func `any second has one text`(seconds: Int64, nanoseconds: Int64, text: String) throws {
        let time = try #require(FileTime(seconds: seconds, nanoseconds: nanoseconds))
        #expect("\(time)" == text)
        #expect(FileTime(text) == time)
    }

    @Test(arguments: [
        "", ".", "1", "1.", "1.0", "1.0000000000", ".000000000", "01.000000000", "+1.000000000",
        "-0.000000000", "1.00000000 ", " 1.000000000", "1,000000000", "1.-00000001",
        "1.000000000.000000000", "1e9.000000000", "٣.000000000",
        "9223372036854775808.000000000", "-9223372036854775808.000000001",
        "1000000000000000000000000000000000000000000.000000000",
    ])
    func `another text is no time`(text: String) {
        #expect(FileTime(text) == nil)
    }

    @Test func `what is no part of a second is no time`() {
        for nanoseconds in [-1, Self.second, .min, .max] {
            #expect(FileTime(seconds: 0, nanoseconds: nanoseconds) == nil)
        }
    }

    @Test(arguments: extremes)
    func `JSON has its text`(_ nanoseconds: Int64) throws {
        let metadata = FileMetadata(mode: 0o644, modified: FileTime(nanoseconds: nanoseconds))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(metadata), as: UTF8.self)
        let time = FileTime(nanoseconds: nanoseconds)
        #expect(text == "{\"mode\":420,\"modified\":\"\(time)\"}")
        let back = try JSONDecoder().decode(FileMetadata.self, from: Data(text.utf8))
        #expect(back == metadata)
    }

    @Test func `a client of before says nanoseconds`() throws {
        let text = #"{"mode":420,"modifiedNanoseconds":-1}"#
        let metadata = try JSONDecoder().decode(FileMetadata.self, from: Data(text.utf8))
        #expect(metadata.modified == FileTime(seconds: -1, nanoseconds: 999_999_999))
    }
}
