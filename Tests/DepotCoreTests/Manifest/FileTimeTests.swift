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
    }

    /// The last second of 2262 that fits, the years 2445 and 2486, and what no calendar has.
    @Test(arguments: [
        (9_223_372_036, 854_775_807, true), (9_223_372_036, 854_775_808, false),
        (9_223_372_037, 0, false), (-9_223_372_037, 145_224_192, true),
        (-9_223_372_037, 145_224_191, false), (15_000_000_000, 0, false),
        (16_299_260_425, 0, false), (Int64.min, 0, false), (Int64.max, 999_999_999, false),
        (-1, 999_999_999, true), (0, 0, true),
    ])
    func `a time that does not fit is none`(seconds: Int64, nanoseconds: Int64, fits: Bool) {
        let time = FileTime(seconds: seconds, nanoseconds: nanoseconds)
        #expect((time != nil) == fits)
        if let time {
            #expect((time.seconds, time.nanosecondsOfSecond) == (seconds, nanoseconds))
        }
    }

    @Test(arguments: extremes)
    func `JSON has one number, under the name that it always had`(_ nanoseconds: Int64) throws {
        let metadata = FileMetadata(mode: 0o644, modified: FileTime(nanoseconds: nanoseconds))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(metadata), as: UTF8.self)
        #expect(text == "{\"mode\":420,\"modifiedNanoseconds\":\(nanoseconds)}")
        let back = try JSONDecoder().decode(FileMetadata.self, from: Data(text.utf8))
        #expect(back == metadata)
    }
}
