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
                // Each control character takes five bytes of a name, which has 1,024.
                for name in [1, 2].map({ "\(String(repeating: "\u{1}", count: 250))\($0)" }) {
                    try Data().write(to: URL(fileURLWithPath: "\(tree)/\(name)"))
                }
                let deposited = try await depot.run(["deposit", "-r", tree, "3", "--as", "t"])
                #expect(deposited.status == 64, "\(deposited.complaint)")
                #expect(deposited.complaint.contains("2 of 7 names could not be deposited"))
                #expect(deposited.complaint.split(separator: "\n").count == 3)
                #expect(
                    String(decoding: deposited.output, as: UTF8.self).hasPrefix(
                        "4 files, 1 folder  "))
                for name in ["b", "d"] {
                    try files.createDirectory(
                        atPath: "\(back)/\(name)", withIntermediateDirectories: true)
                }
                let retrieved = try await depot.run(["retrieve", "-r", "t", "-o", back])
                #expect(retrieved.status == 64, "\(retrieved.complaint)")
                #expect(retrieved.complaint.contains("depot: t/b: "))
                #expect(retrieved.complaint.contains("depot: t/d: "))
                #expect(retrieved.complaint.contains("2 of 5 names could not be retrieved"))
                #expect(
                    String(decoding: retrieved.output, as: UTF8.self).hasPrefix(
                        "2 files, 1 folder  "))
                #expect(files.contents(atPath: "\(back)/c") == Data("c".utf8))
                let nowhere = try await depot.run(
                    ["retrieve", "-r", "t", "-o", "\(back)/not/there"])
                #expect(nowhere.status == 3)
                #expect(nowhere.complaint.split(separator: "\n").count == 1)
                let empty = depot.newPath()
                try files.createDirectory(atPath: empty, withIntermediateDirectories: true)
                let nothing = try await depot.run(["deposit", "-r", empty, "3"])
                #expect(nothing.status == 0)
                #expect(String(decoding: nothing.output, as: UTF8.self).hasPrefix("0 files  "))
            }
        }

        /// To Swift a slash and a combining mark are one character, and so are a letter and its accent, however they are
        /// spelled: to a file system they are bytes.
        @Test func `names are bytes, in every folder`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let names = [
                    "x", "\u{301}x", "a/\u{301}x", "a/x", "\u{e9}/f", "e\u{301}/f", "p\u{600}/f",
                    "\u{1F3FB}.png",
                ]
                for name in names {
                    let path = "\(tree)/\(name)"
                    let parts = name.utf8.split(separator: UInt8(ascii: "/"))
                    if parts.count > 1 { mkdir("\(tree)/\(Substring(parts[0]))", 0o777) }
                    if parts.count == 1 { mkdir(tree, 0o777) }
                    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o666)
                    #expect(descriptor >= 0, "\(path)")
                    let text = Array("content of \(name)".utf8)
                    #expect(write(descriptor, text, text.count) == text.count)
                    close(descriptor)
                }
                let receipt = try await depot.client(
                    ["deposit", "-r", tree, "3", "--as", "tree"], as: TreeReceipt.self)
                #expect(receipt.totals.files == names.count)
                let outcome = try await depot.run(["retrieve", "-r", "tree", "-o", back])
                #expect(outcome.status == 0, "\(outcome.complaint)")
                for name in names {
                    let descriptor = open("\(back)/\(name)", O_RDONLY)
                    var bytes = [UInt8](repeating: 0, count: 100)
                    let count = read(descriptor, &bytes, bytes.count)
                    close(descriptor)
                    #expect(bytes.prefix(max(count, 0)).elementsEqual("content of \(name)".utf8))
                }
                let single = try await depot.run(
                    ["deposit", "\(tree)/a/\u{301}x", "3", "--as", "single"])
                #expect(single.status == 0, "\(single.complaint)")
                let alone = try await depot.run(
                    ["retrieve", "single", "-o", "\(back)/a/\u{301}y"])
                #expect(alone.status == 0, "\(alone.complaint)")
                #expect(access("\(back)/a/\u{301}y", F_OK) == 0)
            }
        }

        @Test func `a tree keeps its modes, times and links`()
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
                #expect(receipt.skipped.isEmpty)
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
                #expect(try files.subpathsOfDirectory(atPath: back).count == modes.count + 3)
                #expect(try files.destinationOfSymbolicLink(atPath: "\(back)/link") == "run.sh")
            }
        }
    }
}
