import Foundation
import Testing

extension CommandTests {
    /// Needs leave to mount a disk that is small enough to fill, which a container's root does not have; the
    /// scenario `full_disk` of Tests/Containers shows the same where there are only containers.
    @Suite(.enabled(if: SmallDisk.canMount, "mounting a small disk is not allowed here"))
    struct FullDisks {
        /// Runs a body with replicas the disks of some of which are so small.
        private func withSmallDisks(
            _ small: Range<Int>, of replicas: Int, megabytes: Int,
            _ body: (Composition) async throws -> Void
        ) async throws {
            var mounted: [String] = []
            func mountDisks(_ depot: Composition) throws {
                for number in small {
                    let folder = depot.replicaFolder(number)
                    try FileManager.default.createDirectory(
                        atPath: folder, withIntermediateDirectories: true)
                    try #require(mount("tmpfs", folder, "tmpfs", 0, "size=\(megabytes)m") == 0)
                    mounted.append(folder)
                }
            }
            let result: Result<Void, any Error>
            do {
                try await Composition.with(replicas: replicas, prepare: mountDisks) { depot in
                    defer { for folder in mounted { umount2(folder, Int32(MNT_DETACH)) } }
                    try await body(depot)
                }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            for folder in mounted { umount2(folder, Int32(MNT_DETACH)) }
            try result.get()
        }

        @Test
        func `a full disk refuses a deposit, keeps what it has, and takes more after it has room`()
            async throws
        {
            try await withSmallDisks(0..<3, of: 3, megabytes: 24) { depot in
                let small = testBytes(4_000_000, seed: 101)
                _ = try await depot.deposit("small", small)
                let path = try depot.write(testBytes(60_000_000, seed: 102))
                let (status, error) = try await depot.failure(
                    ["deposit", path, "3", "--as", "large"])
                #expect([5, 7].contains(status), "\(status): \(error.message)")
                #expect(error.message.contains("full") || error.code == "storageFull")
                // Replicas that are known to be full are not asked again, which is no other error.
                let again = try await depot.failure(["deposit", path, "3", "--as", "large"])
                #expect(again.status == 7 && again.error.code == "storageFull")
                #expect(try await depot.names() == ["small"])
                #expect(try await depot.retrieve("small").bytes == small)

                for number in 0..<3 {
                    let folder = depot.replicaFolder(number)
                    let flags = UInt(MS_REMOUNT)
                    try #require(mount("tmpfs", folder, "tmpfs", flags, "size=200m") == 0)
                }
                try await poll("room to be seen") {
                    // Seen on all three: two are enough for a degraded one.
                    let outcome = try await depot.run(
                        ["deposit", path, "3", "--as", "large", "--require-all"])
                    return outcome.status == 0
                }
                #expect(try await depot.info("large").chunks.allSatisfy { $0.good.count == 3 })
                #expect(try await depot.retrieve("small").bytes == small)
            }
        }

        /// The guide names `depot delete` as what to do, and it ended with 5: its tombstone found no room.
        @Test func `on full disks files are deleted, and their room is given back`() async throws {
            try await withSmallDisks(0..<3, of: 3, megabytes: 24) { depot in
                var names: [String] = []
                for number in 0..<20 {
                    let name = "file \(number)"
                    let path = try depot.write(testBytes(3_000_000, seed: UInt64(1_000 + number)))
                    let outcome = try await depot.run(["deposit", path, "3", "--as", name])
                    if outcome.status != 0 { break }
                    names.append(name)
                }
                try #require(names.count > 3 && names.count < 20)
                for name in names.dropFirst() {
                    #expect(try await depot.run(["delete", "--purge", name]).status == 0)
                }
                // What the deposit that failed has brought may be given back just now: then this is a conflict.
                try await poll("a collection") {
                    try await depot.run(["collect", "--grace", "0s"]).status == 0
                }
                let path = try depot.write(testBytes(4_000_000, seed: 104))
                try await poll("room to be seen") {
                    try await depot.run(["deposit", path, "3", "--as", "more"]).status == 0
                }
                #expect(
                    try await depot.retrieve(names[0]).bytes == testBytes(3_000_000, seed: 1_000))
            }
        }

        @Test func `other replicas take what a full one cannot`() async throws {
            try await withSmallDisks(0..<1, of: 4, megabytes: 16) { depot in
                let bytes = testBytes(40_000_000, seed: 103)
                let receipt = try await depot.deposit("file", bytes)
                #expect(receipt.copies == 3 && !receipt.degraded)
                #expect(try await depot.info("file").chunks.allSatisfy { $0.good.count == 3 })
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }
    }
}

private enum SmallDisk {
    static let canMount: Bool = {
        let folder = FileManager.default.temporaryDirectory.path + "/depot-mount-\(getpid())"
        guard mkdir(folder, 0o700) == 0 else { return false }
        defer { rmdir(folder) }
        guard mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0 else { return false }
        return umount2(folder, Int32(MNT_DETACH)) == 0
    }()
}
