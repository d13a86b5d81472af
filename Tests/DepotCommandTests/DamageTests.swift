import Foundation
import Testing

extension CommandTests {
    @Suite struct Damage {
        @Test func `with one replica gone and another one damaged, every byte comes back`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(12_000_000, seed: 41)
                let receipt = try await depot.deposit("file", bytes)
                let damaged = try await depot.id(ofReplica: 1)
                try await depot.damageChunks(ofReplica: 1, sparing: receipt.manifest)
                try await depot.stopReplica(0, SIGKILL)

                let (back, report) = try await depot.retrieve("file")
                #expect(back == bytes)
                // A copy is only found bad where it was asked for.
                let bad = report.badCopies.filter { $0.replica == damaged }
                #expect(!bad.isEmpty && bad.allSatisfy { $0.reason == "corrupt" })
            }
        }

        @Test func `of copies some of which are bad, a good one stays`() async throws {
            try await Composition.with(replicas: 4) { depot in
                let bytes = testBytes(6_000_000, seed: 42)
                let receipt = try await depot.deposit("file", bytes, level: 4)
                try await depot.damageChunks(ofReplica: 2, sparing: receipt.manifest)
                _ = try await depot.client(
                    ["change-replication", "file", "1"], as: LevelChange.self)
                let (back, _) = try await depot.retrieve("file")
                #expect(back == bytes)
            }
        }

        @Test func `without a good copy nothing comes out, and it says so`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let receipt = try await depot.deposit("file", testBytes(12_000_000, seed: 43))
                for number in 0..<3 {
                    try await depot.damageChunks(ofReplica: number, sparing: receipt.manifest)
                }
                let path = depot.newPath()
                let (status, error) = try await depot.failure(["retrieve", "file", "-o", path])
                #expect(status == 2 && error.code == "noGoodCopy", "\(error.message)")
                #expect(try depot.filesBeside(path).isEmpty)

                try Data("old".utf8).write(to: URL(fileURLWithPath: path))
                #expect(try await depot.failure(["retrieve", "file", "-o", path]).status == 2)
                #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
            }
        }
    }
}

extension Composition {
    /// Flips a byte in the middle of every chunk on a replica's disk, but for one of them.
    func damageChunks(ofReplica number: Int, sparing spared: String) async throws {
        try flip(ofReplica: number) { member in
            member.path.hasPrefix("chunks/") && !member.path.hasSuffix(spared)
                ? member.offset + member.length / 2 : nil
        }
    }

    /// Flips a byte in the middle of the header of every record on a replica's disk.
    func damageRecordHeaders(ofReplica number: Int) throws {
        try flip(ofReplica: number) { member in
            member.path.hasSuffix(".json") ? member.offset - 256 : nil
        }
    }

    private func flip(ofReplica number: Int, _ place: (TarMember) -> Int?) throws {
        let segments = "\(replicaFolder(number))/segments"
        for segment in try FileManager.default.contentsOfDirectory(atPath: segments) {
            let url = URL(fileURLWithPath: "\(segments)/\(segment)")
            let handle = try FileHandle(forUpdating: url)
            defer { try? handle.close() }
            let archive = try Data(contentsOf: url)
            for offset in TarMember.list(archive).compactMap(place) {
                try handle.seek(toOffset: UInt64(offset))
                try handle.write(contentsOf: Data([archive[offset] ^ 0x40]))
            }
        }
    }

    /// What lies in the folder of client files and begins as a path does.
    func filesBeside(_ path: String) throws -> [String] {
        let url = URL(fileURLWithPath: path)
        return try FileManager.default.contentsOfDirectory(
            atPath: url.deletingLastPathComponent().path
        ).filter { $0.contains(url.lastPathComponent) }
    }
}

/// What lies in an archive; knows no more of tar than where a member's name and length are.
struct TarMember {
    let path: String
    /// Of the first byte of its content.
    let offset: Int
    let length: Int

    static func list(_ archive: Data) -> [TarMember] {
        var members: [TarMember] = []
        var offset = 0
        while offset + 512 <= archive.count, archive[offset] != 0 {
            let name = archive[offset..<offset + 100].prefix { $0 != 0 }
            let digits = archive[offset + 124..<offset + 135]
            let length = Int(String(decoding: digits, as: UTF8.self), radix: 8) ?? 0
            let path = String(decoding: name, as: UTF8.self)
            members.append(TarMember(path: path, offset: offset + 512, length: length))
            offset += 512 + (length + 511) / 512 * 512
        }
        return members
    }
}
