import Foundation
import Testing

extension CommandTests {
    /// What is locked, what policies keep, and what is purged, before and after the catalog is made again.
    @Suite struct Retention {
        private struct Locked: Decodable {
            struct Entry: Decodable {
                struct Lock: Decodable {
                    let until: Int?
                    let isHeld: Bool
                }

                let name: String
                let lock: Lock?
            }
            struct Failure: Decodable { let name: String }

            let locked: [Entry]
            let failed: [Failure]
        }
        private struct Deleted: Decodable {
            let deleted: [String]
            let locked: [String]
        }
        private struct Policies: Decodable {
            struct Policy: Decodable, Equatable {
                let keepDays: Int
                let keepLast: Int
            }
            struct Entry: Decodable {
                let prefix: String
                let policy: Policy
            }

            let policies: [Entry]
        }
        private struct Plans: Decodable {
            struct Plan: Decodable {
                let names: Int
                let versions: Int
                let lockedNames: Int
                let uniqueBytes: Int
                let storedBytes: Int
            }

            let plans: [Plan]
        }

        private static func history(of name: String, _ depot: Composition) async throws -> [Bool] {
            try await depot.client(["versions", name], as: VersionList.self).versions
                .map { $0.file != nil }
        }

        /// Everything that could take a version.
        private static func takeAll(_ name: String, _ depot: Composition) async throws -> Deleted {
            let deleted = try await depot.client(["delete", "--purge", name], as: Deleted.self)
            _ = try await depot.run(["collect", "--versions", "0s", "--grace", "0s"])
            return deleted
        }

        @Test func `what is locked outlives whatever is done to its name, and a rebuild`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let (first, second) = (testBytes(300_000, seed: 1), testBytes(300_001, seed: 2))
                for name in ["t/a", "t/b"] { _ = try await depot.deposit(name, first) }
                let locked = try await depot.client(
                    ["lock", "-r", "t", "--until", "2100-01-01"], as: Locked.self)
                #expect(locked.locked.map(\.name).sorted() == ["t/a", "t/b"])
                #expect(locked.locked.allSatisfy { $0.lock?.until == 4_102_444_800 })
                let later = try await depot.client(
                    ["lock", "t/a", "--until", "36500d"], as: Locked.self)
                #expect(later.locked.first?.lock?.until ?? 0 > 4_102_444_800)
                let held = try await depot.client(["lock", "t/b", "--hold"], as: Locked.self)
                #expect(held.locked.first?.lock?.isHeld == true)
                _ = try await depot.deposit("t/a", second)
                #expect(try await Self.takeAll("t/a", depot).locked == ["t/a"])
                let told = try await depot.run(["delete", "--purge", "t/b"])
                #expect(told.text == "deleted t/b; 1 locked version stays until its lock ends\n")
                try await depot.remakeCatalog(stopping: SIGTERM)
                for name in ["t/a", "t/b"] {
                    // It is deleted, so its purge is one more.
                    #expect(try await Self.takeAll(name, depot).locked == [name])
                    #expect(try await Self.history(of: name, depot) == [false, true])
                    _ = try await depot.run(["undelete", name])
                    #expect(try await depot.retrieve(name).bytes == first)
                }
                for (end, status) in [("2099-12-31", 4), ("2001-01-01", 4), ("soon", 64)] {
                    let refused = try await depot.failure(["lock", "t/a", "--until", end])
                    #expect(refused.status == Int32(status), "\(end)")
                }
                _ = try await depot.run(["lock", "t/b", "--release-hold"])
                let list = try await depot.run(["versions", "t/b"])
                #expect(list.text.contains("locked until 2100-01-01T00:00:00Z\n"))
                #expect(try await depot.failure(["lock", "t/nobody", "--hold"]).status == 3)
                #expect(try await depot.failure(["lock", "t/a"]).status == 64)
            }
        }

        @Test func `what is held is free when it is released`() async throws {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("f", testBytes(300_000, seed: 3))
                _ = try await depot.run(["lock", "f", "--hold"])
                #expect(try await Self.takeAll("f", depot).locked == ["f"])
                // One that fails holds up no other.
                _ = try await depot.deposit("g", testBytes(2_000, seed: 4))
                let some = try await depot.run(["lock", "f", "g", "--hold", "--json"])
                let told = try JSONDecoder().decode(Locked.self, from: some.output)
                #expect(some.status == 3 && told.locked.map(\.name) == ["g"])
                #expect(told.failed.map(\.name) == ["f"])
                // People are told of each, and in the end how many they are.
                let text = try await depot.run(["lock", "f", "g", "nobody", "--hold"])
                #expect(text.complaint.contains("depot: nobody: no such file"))
                #expect(text.complaint.contains("2 of 3 names could not be locked"))
                let words = try await depot.client(["versions", "f"], as: VersionList.self)
                let version = try #require(words.versions.last?.sequence)
                _ = try await depot.run(["lock", "f@\(version)", "--release-hold"])
                #expect(try await Self.takeAll("f", depot).locked.isEmpty)
                #expect(try await Self.history(of: "f", depot) == [false])
                try await poll("its copies go") {
                    _ = try await depot.run(["collect", "--grace", "0s"])
                    return try await depot.client(["status"], as: Status.self).storedBytes
                        == 6_000
                }
            }
        }

        @Test func `an administrator breaks a lock where the FileServer lets him, and no other`()
            async throws
        {
            let lasting = ["lock", "f", "--until", "2100-01-01"]
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("f", testBytes(300_000, seed: 5))
                _ = try await depot.run(lasting)
                let refused = try await depot.failure(["lock", "f", "--break"])
                #expect(refused.status == 4 && refused.error.message.contains("--break-locks"))
                #expect(try await Self.takeAll("f", depot).locked == ["f"])
            }
            try await Composition.with(replicas: 3, serve: ["--break-locks"]) { depot in
                _ = try await depot.deposit("f", testBytes(300_000, seed: 5))
                _ = try await depot.run(lasting)
                let writer = try await depot.run(["token", "create", "w", "--write"]).text
                    .split(separator: "\n").last { $0.count == 64 }
                let stranger = ["DEPOT_TOKEN": String(try #require(writer))]
                #expect(
                    try await depot.failure(["lock", "f", "--break"], environment: stranger).status
                        == 6)
                let broken = try await depot.run(["lock", "f", "--break"])
                #expect(broken.text == "f  not locked any more\n")
                #expect(try await Self.takeAll("f", depot).locked.isEmpty)
                try await depot.remakeCatalog(stopping: SIGTERM)
                #expect(try await Self.history(of: "f", depot) == [false])
                #expect(try depot.serverLog().contains("breaking a lock"))
            }
        }

        private static func notes(_ prefix: String, _ depot: Composition) async throws -> Bool {
            let list = try await depot.run(["list", prefix, "--at", "1h"])
            return list.complaint.contains("may be missing")
        }

        @Test func `policies say what is kept, and come back with a rebuild`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let set = ["policy", "set"]
                _ = try await depot.run(set + ["keep", "--keep-days", "0", "--keep-last", "1"])
                _ = try await depot.run(set + ["drop", "--keep-days", "0"])
                for name in ["keep/f", "drop/f", "other"] {
                    for seed in 1...3 {
                        _ = try await depot.deposit(name, testBytes(2_000, seed: UInt64(seed)))
                    }
                }
                for _ in 1...2 {
                    _ = try await depot.run(["collect"])
                    #expect(try await Self.history(of: "keep/f", depot) == [true, true])
                    #expect(try await Self.history(of: "drop/f", depot) == [true])
                    #expect(try await Self.history(of: "other", depot) == [true, true, true])
                    let list = try await depot.client(["policy", "list"], as: Policies.self)
                    #expect(list.policies.map(\.prefix) == ["drop", "keep"])
                    #expect(list.policies.map(\.policy.keepLast) == [0, 1])
                    try await depot.remakeCatalog(stopping: SIGTERM)
                }
                // They are records of names that nobody else may touch, and that lists leave out.
                #expect(try await depot.names().sorted() == ["drop/f", "keep/f", "other"])
                let path = try depot.write(Data("x".utf8))
                let reserved = ".depot/policy/keep"
                for command in [
                    ["deposit", path, "--as", reserved], ["delete", reserved],
                    ["delete", "--purge", reserved], ["lock", reserved, "--hold"],
                    ["change-replication", reserved, "2"],
                ] {
                    #expect(try await depot.failure(command).status == 64, "\(command)")
                }
                // Of an instant of which not all is kept, somebody has to know.
                for (prefix, notes) in [
                    ("drop/", true), ("drop", true), ("", true), ("oth", false),
                ] {
                    #expect(try await Self.notes(prefix, depot) == notes, "\(prefix)")
                }
                _ = try await depot.run(["policy", "remove", "drop"])
                let missing = try await depot.failure(["policy", "remove", "drop"])
                #expect(missing.status == 3 && missing.error.object == "drop")
                for options in [["--keep-days", "-1"], ["--keep-days", "4294967296"], []] {
                    #expect(try await depot.failure(set + ["x"] + options).status == 64)
                }
            }
        }

        @Test func `a purge says beforehand what it frees, and no rebuild undoes it`() async throws
        {
            try await Composition.with(replicas: 3) { depot in
                for (name, seed) in [("t/a", 1), ("t/a", 2), ("t/b", 3), ("copy", 3)] {
                    _ = try await depot.deposit(name, testBytes(200_000, seed: UInt64(seed)))
                }
                _ = try await depot.run(["delete", "t/b"])
                let plans = try await depot.client(
                    ["delete", "-r", "t", "--purge", "--plan"], as: Plans.self)
                let plan = try #require(plans.plans.first)
                #expect(plan.names == 1 && plan.versions == 2 && plan.lockedNames == 0)
                // The other one's chunk is a file's still.
                #expect(plan.uniqueBytes == 400_000 && plan.storedBytes == 1_200_000)
                _ = try await depot.run(["delete", "-r", "t", "--purge"])
                #expect(try await Self.history(of: "t/a", depot) == [false])
                try await depot.remakeCatalog(stopping: SIGTERM)
                for name in ["t/a", "t/b"] {
                    #expect(try await Self.history(of: name, depot) == [false], "\(name)")
                    #expect(try await depot.failure(["undelete", name]).status == 3)
                }
                #expect(try await depot.names() == ["copy"])
                #expect(try await depot.failure(["delete", "--plan", "copy"]).status == 64)
            }
        }

        @Test func `locks, policies and purges by HTTP are checked as all else is`() async throws {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("f", testBytes(2_000, seed: 1))
                func post(_ path: String, _ body: String) async throws -> Int {
                    try await depot.curl(path, ["-X", "POST", "--data-binary", body]).status
                }
                func set(_ prefix: String, _ body: String) async throws -> Int {
                    try await depot.curl(
                        "policies?prefix=\(prefix)", ["-X", "PUT", "--data-binary", body],
                        below: "/v1/"
                    ).status
                }
                for body in [
                    "", "{}", "[]", #"{"until":"soon"}"#, #"{"until":1e300}"#, #"{"isHeld":1}"#,
                    #"{"until":9223372036854775807}"#, #"{"sequence":"1","isHeld":true}"#,
                ] {
                    #expect(try await post("f/lock", body) == 400, "\(body)")
                }
                for body in [
                    "", "{}", #"{"keepDays":-1,"keepLast":0}"#, #"{"keepDays":1,"keepLast":-1}"#,
                    #"{"keepDays":4294967296,"keepLast":0}"#, #"{"keepDays":1.5,"keepLast":0}"#,
                ] {
                    #expect(try await set("p", body) == 400, "\(body)")
                }
                let prefixes = ["..", "a//b", "%00", String(repeating: "n", count: 2_000)]
                for prefix in prefixes {
                    let status = try await set(prefix, #"{"keepDays":1,"keepLast":0}"#)
                    #expect([400, 414].contains(status), "\(prefix): \(status)")
                }
                #expect(try await depot.curl("f/purge?below=perhaps", []).status == 400)
                #expect(try await post("nobody/lock", #"{"isHeld":true}"#) == 404)
                #expect(try await post("f/lock", #"{"isHeld":true}"#) == 200)
                #expect(try await post("f/purge", "") == 200)
                #expect(try await post("f/lock", #"{"isHeld":false}"#) == 200)
                let policies = try await depot.client(["policy", "list"], as: Policies.self)
                #expect(policies.policies.isEmpty)
            }
        }
    }
}
