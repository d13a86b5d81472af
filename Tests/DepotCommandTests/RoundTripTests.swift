import Foundation
import Testing

extension CommandTests {
    @Suite struct RoundTrip {
        @Test func `a file of any size comes back as it went in`() async throws {
            try await Composition.with(replicas: 3) { depot in
                for size in [0, 1, 262_144, 9_000_001] {
                    let bytes = testBytes(size, seed: 11)
                    let receipt = try await depot.deposit("sizes/\(size)", bytes)
                    #expect(receipt.size == size && receipt.copies == 3 && !receipt.degraded)
                    let (back, report) = try await depot.retrieve("sizes/\(size)")
                    #expect(back == bytes, "\(size) bytes")
                    #expect(report.badCopies.isEmpty)
                }
            }
        }

        @Test func `standard input and output carry a file`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(5_000_000, seed: 12)
                let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: depot.write(bytes)))
                let deposited = try await depot.run(
                    ["deposit", "-", "2", "--as", "streamed"], input: input)
                #expect(deposited.status == 0, "\(deposited.complaint)")
                let retrieved = try await depot.run(["retrieve", "streamed", "-o", "-"])
                #expect(retrieved.status == 0)
                #expect(retrieved.output == bytes)
            }
        }

        @Test func `of a tree each file that fails is told, and the others are done`() async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let files = FileManager.default
                try files.createDirectory(atPath: tree, withIntermediateDirectories: true)
                for name in ["a", "b", "c", "d"] {
                    try Data(name.utf8).write(to: URL(fileURLWithPath: "\(tree)/\(name)"))
                }
                // No name of depot's holds a control character.
                for name in ["no\u{1}1", "no\u{1}2"] {
                    try Data().write(to: URL(fileURLWithPath: "\(tree)/\(name)"))
                }
                let deposited = try await depot.run(["deposit", "-r", tree, "3", "--as", "t"])
                #expect(deposited.status == 64, "\(deposited.complaint)")
                #expect(deposited.complaint.contains("2 files of 6 could not be deposited"))
                #expect(deposited.complaint.split(separator: "\n").count == 3)
                #expect(String(decoding: deposited.output, as: UTF8.self).hasPrefix("4 files  "))
                for name in ["b", "d"] {
                    try files.createDirectory(
                        atPath: "\(back)/\(name)", withIntermediateDirectories: true)
                }
                let retrieved = try await depot.run(["retrieve", "-r", "t", "-o", back])
                #expect(retrieved.status == 64, "\(retrieved.complaint)")
                #expect(retrieved.complaint.contains("depot: t/b: "))
                #expect(retrieved.complaint.contains("depot: t/d: "))
                #expect(retrieved.complaint.contains("2 files of 4 could not be retrieved"))
                #expect(String(decoding: retrieved.output, as: UTF8.self).hasPrefix("2 files  "))
                #expect(files.contents(atPath: "\(back)/c") == Data("c".utf8))
            }
        }

        @Test func `a tree keeps its modes and times; links are told about and skipped`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let modes: [(path: String, mode: Int, time: TimeInterval)] = [
                    ("run.sh", 0o755, 1_000_000_000),
                    ("deep/er/read-only", 0o440, 1_500_000_000.25),
                    ("deep/ä file", 0o644, 86_400), ("empty", 0o600, 1_234_567_890),
                ]
                let files = FileManager.default
                try files.createDirectory(
                    atPath: "\(tree)/deep/er", withIntermediateDirectories: true)
                for (path, mode, time) in modes {
                    let bytes = path == "empty" ? Data() : Data(path.utf8)
                    try bytes.write(to: URL(fileURLWithPath: "\(tree)/\(path)"))
                    try files.setAttributes(
                        [
                            .posixPermissions: mode,
                            .modificationDate: Date(timeIntervalSince1970: time),
                        ], ofItemAtPath: "\(tree)/\(path)")
                }
                try files.createSymbolicLink(
                    atPath: "\(tree)/link", withDestinationPath: "run.sh")
                let receipt = try await depot.client(
                    ["deposit", "-r", tree, "3", "--as", "tree"], as: TreeReceipt.self)
                #expect(receipt.totals.files == modes.count)
                #expect(receipt.skipped.map(\.path) == ["\(tree)/link"])
                let outcome = try await depot.run(["retrieve", "-r", "tree", "-o", back])
                #expect(outcome.status == 0, "\(outcome.complaint)")
                for (path, mode, time) in modes {
                    let was = try Data(contentsOf: URL(fileURLWithPath: "\(tree)/\(path)"))
                    let came = try Data(contentsOf: URL(fileURLWithPath: "\(back)/\(path)"))
                    let attributes = try files.attributesOfItem(atPath: "\(back)/\(path)")
                    #expect(came == was, "\(path)")
                    #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
                    let modified = attributes[.modificationDate] as? Date
                    #expect(modified?.timeIntervalSince1970 == time, "\(path)")
                }
                #expect(try files.subpathsOfDirectory(atPath: back).count == modes.count + 2)
            }
        }
    }
}
