import Foundation
import Testing

extension CommandTests {
    @Suite struct ByHand {
        /// The lines of a fenced block of docs/ByHand.md that begins with a comment.
        private func lines(_ comment: String) throws -> String {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            let guide = try String(
                contentsOf: root.appendingPathComponent("docs/ByHand.md"), encoding: .utf8)
            let start = try #require(guide.range(of: "```sh\n# \(comment)\n"), "\(comment)")
            let end = try #require(
                guide.range(of: "```", range: start.upperBound..<guide.endIndex))
            return String(guide[start.upperBound..<end.lowerBound])
        }

        @Test func `the printed lines check a segment, and find what is wrong in it`() async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let bytes = testBytes(5_000_000, seed: 91)
                let receipt = try await depot.deposit("file", bytes, level: 1)
                try await depot.stopReplica(0, SIGTERM)
                let script = try "set -e\n" + lines("check a segment")
                func check() async throws -> ChildProcess.Outcome {
                    let segment = "\(depot.replicaFolder(0))/segments/00000001.tar"
                    return try await depot.bash(
                        script, environment: ["segment": segment, "scratch": depot.newPath()])
                }
                let clean = try await check()
                #expect(clean.status == 0 && clean.text.isEmpty, "\(clean.complaint)")
                try await depot.damageChunks(ofReplica: 0, sparing: receipt.manifest)
                let damaged = try await check()
                #expect(damaged.status != 0 && damaged.text.contains("FAILED"))
            }
        }

        /// Of several chunks, of one, and of none.
        @Test(arguments: ["file", "with space/ä 'quoted' \"$HOME\""], [5_000_000, 5_000, 0])
        func `the printed lines restore a file's newest version`(
            name: String, size: Int
        ) async throws {
            try await Composition.with(replicas: 1) { depot in
                // Records that are kept together; then one of each name alone, which is newer.
                let tree = depot.newPath()
                let old = testBytes(200_000, seed: 92)
                for name in [name, "another"] {
                    let path = URL(fileURLWithPath: "\(tree)/\(name)")
                    try FileManager.default.createDirectory(
                        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try old.write(to: path)
                }
                _ = try await depot.run(["deposit", "-r", tree, "1", "--as", "t"])
                let bytes = testBytes(size, seed: 93)
                _ = try await depot.deposit("t/\(name)", bytes, level: 1)
                _ = try await depot.deposit("other", testBytes(100, seed: 94), level: 1)
                try await depot.stopReplica(0, SIGTERM)
                for (name, expected) in [("t/\(name)", bytes), ("t/another", old)] {
                    let restored = depot.newPath()
                    let outcome = try await depot.bash(
                        "set -e -o pipefail\n" + lines("restore a file"),
                        environment: [
                            "replica": depot.replicaFolder(0), "name": name,
                            "restored": restored, "scratch": depot.newPath(),
                        ])
                    #expect(outcome.status == 0, "\(outcome.complaint)")
                    #expect(try Data(contentsOf: URL(fileURLWithPath: restored)) == expected)
                }
            }
        }
    }
}
