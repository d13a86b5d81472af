import DepotCore
import NIOCore
import Testing

/// A record of a file of 2^64 - 1 bytes ended a rebuild, which added up sizes. It is no record: what it names fits no
/// cluster. Manifests likewise.
@Suite struct RecordNumberTests {
    private static let numbers: [String] =
        [0, 31, 32, 53, 59, 60, 61, 62, 63].flatMap { bits -> [String] in
            let power = UInt64(1) << UInt64(bits)
            return ["\(power - 1)", "\(power)", "\(power + 1)", "-\(power)"]
        } + ["18446744073709551615", "18446744073709551616", "253402300799", "253402300800"]

    private static func record() throws -> String {
        let record = FileRecord(
            cluster: .random(), name: try FileName("a"),
            sequence: CommitSequence(epoch: 1, counter: 2), time: 77_777,
            content: .file(
                level: .three,
                manifest: .init(
                    stored: ChunkReference(
                        VerifiedObject(hashing: ByteBuffer(string: "manifest")))),
                size: 88_888,
                metadata: FileMetadata(mode: 0o644, modified: FileTime(nanoseconds: 99_999))))
        return String(buffer: record.encoded().contiguous)
    }

    @Test func `a record with an extreme number is none, or bounded`() throws {
        let text = try Self.record()
        for field in [
            "size\":88888", "time\":77777", "manifestLength\":8", "level\":3", "mode\":420",
        ] {
            let key = field.prefix { $0 != ":" }
            #expect(text.contains(field))
            for number in Self.numbers {
                let changed = text.replacing(field, with: "\(key):\(number)")
                guard let found = try? FileRecord(parsing: ByteBuffer(string: changed)),
                    case .file(_, let manifest, let size, _) = found.content
                else { continue }
                #expect(ByteCount.range.contains(size) && manifest.length <= Limits.chunkSizeMax)
                #expect(FileRecord.timeRange.contains(found.time))
            }
        }
        for sequence in ["99999999-9999999999999999", "10000000-0000000000000001"] {
            let changed = text.replacing("00000001-0000000000000002", with: sequence)
            #expect(throws: DepotError.self) {
                try FileRecord(parsing: ByteBuffer(string: changed))
            }
        }
    }

    @Test func `a manifest with an extreme number is none`() throws {
        let line = "\(ChunkID(hashing: "x")) 1"
        for number in Self.numbers where number != "1" {
            for text in [
                "depot manifest 1\nsize \(number)\ndepth 0\n\(line)\n",
                "depot manifest 1\nsize 1\ndepth \(number)\n\(line)\n",
                "depot manifest 1\nsize 1\ndepth 0\n\(ChunkID(hashing: "x")) \(number)\n",
            ] where !text.contains("depth 0\n\(line)") || !text.contains("size 1\n") {
                #expect(throws: DepotError.self, "\(text)") {
                    try Manifest(parsing: ByteBuffer(string: text))
                }
            }
        }
    }
}
