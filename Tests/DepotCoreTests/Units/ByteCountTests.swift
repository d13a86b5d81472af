import DepotCore
import Testing

@Suite struct ByteCountTests {
    @Test(
        arguments: [
            ("0", 0), ("512", 512), ("64KiB", 65_536), ("64 kib", 65_536),
            ("1.5 GiB", 1_610_612_736),
            ("2TB", 2_000_000_000_000), ("1k", 1_024), ("3M", 3_145_728), ("1 g", 1_073_741_824),
            ("10B", 10), ("1.5", 2), ("0.5KiB", 512), ("1.25kb", 1_250),
            ("9007199254740993", 9_007_199_254_740_993),
            ("1152921504606846976", 1 << 60), ("1048576 TiB", 1 << 60),
        ] as [(String, UInt64)])
    func `sizes as people write them`(text: String, bytes: UInt64) {
        #expect(ByteCount(parsing: text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", " ", "KiB", "-1", "+1", "1e3", "0x10", "1_000", "1 0", "1,5", ".5", "5.", "1.2.3",
        "1 XiB", "1KiBB", "inf", "nan", "٣", "1Ki B", "1152921504606846977", "1048577 TiB",
        "99999999999999999999", "1\n",
    ])
    func `these are none`(text: String) {
        #expect(ByteCount(parsing: text) == nil)
    }

    @Test(
        arguments: [
            (0, "0 B"), (1, "1 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"),
            (1_048_524, "1023.9 KiB"), (1_048_525, "1.0 MiB"), (1_048_576, "1.0 MiB"),
            (1_073_741_823, "1.0 GiB"), (10_737_418_240, "10.0 GiB"),
            (1_099_511_627_775, "1.0 TiB"), (1 << 60, "1048576.0 TiB"), (.max, "1048576.0 TiB"),
        ] as [(UInt64, String)])
    func `sizes as people read them`(bytes: UInt64, text: String) {
        #expect(ByteCount(bytes).description == text)
    }
}
