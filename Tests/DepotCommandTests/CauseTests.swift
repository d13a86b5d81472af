import Foundation
import Testing

extension CommandTests {
    /// Why a command failed, as its exit code says it.
    @Suite struct Causes {
        @Test func `what is wrong with the user's own files is not called usage`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let long = String(repeating: "n", count: 300)
                _ = try await depot.deposit("f", testBytes(10, seed: 1), level: 1)
                _ = try await depot.deposit(long, testBytes(10, seed: 1), level: 1)
                let file = try depot.write(Data("f".utf8))
                let cases: [([String], Int32, String)] = [
                    (["deposit", "/proc/self/mem", "1", "--as", "m"], 74, "Input/output error"),
                    (["retrieve", long], 74, "File name too long"),
                    (["retrieve", "f", "-o", "/dev/full"], 7, "No space left"),
                    (["retrieve", "f", "-o", "\(file)/x"], 3, "Not a directory"),
                    (["deposit", "/nowhere", "1"], 3, "No such file"),
                    (["token", "/nowhere/token"], 3, "No such file"),
                ]
                for (command, code, reason) in cases {
                    let outcome = try await depot.run(command)
                    #expect(outcome.status == code, "\(command): \(outcome.complaint)")
                    #expect(outcome.complaint.contains(reason), "\(command): \(outcome.complaint)")
                }
            }
        }

        /// The deposit was done, the receipt's folder was not there, and the exit code said "storage full".
        @Test func `a receipt that cannot be written is found out before anything is deposited`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let file = try depot.write(Data("f".utf8))
                for (place, code) in [
                    ("no/such/folder/r", Int32(3)), ("\(file)/r", 3), ("/proc/r", 3),
                    (depot.folder, 74),
                ] {
                    let outcome = try await depot.run(
                        ["deposit", file, "1", "--as", "f", "--receipt", place])
                    #expect(outcome.status == code, "\(place): \(outcome.complaint)")
                    #expect(
                        outcome.complaint.contains("nothing was deposited, because the receipt"),
                        "\(outcome.complaint)")
                }
                #expect(try await depot.names().isEmpty)
                let left = try FileManager.default.contentsOfDirectory(
                    atPath: "\(depot.folder)/files")
                #expect(left.count == 1, "\(left)")
            }
        }

        /// What goes wrong after that must not take the receipt with it.
        @Test func `a receipt that is lost at the last moment stands on standard output`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let file = try depot.write(Data("f".utf8))
                // It may be written to, and takes nothing.
                let outcome = try await depot.run(
                    ["deposit", file, "1", "--as", "f", "--receipt", "/dev/full"])
                #expect(outcome.status == 7, "\(outcome.complaint)")
                #expect(outcome.complaint.contains("f was deposited all the same, with sequence"))
                let line = try #require(outcome.text.split(separator: "\n").last)
                let receipt = try JSONDecoder().decode(Receipt.self, from: Data(line.utf8))
                #expect(receipt.name == "f")
                #expect(try await depot.names() == ["f"])
            }
        }

        /// A used port was "damage was found and repaired".
        @Test func `a daemon that cannot listen says so, and why`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let used = depot.url.replacing("http://", with: "")
                for (number, command) in ["serve", "replica", "local"].enumerated() {
                    let data = "\(depot.folder)/new\(number)"
                    let outcome = try await depot.run([command, "--data", data, "--listen", used])
                    #expect(outcome.status == 8, "\(command): \(outcome.complaint)")
                    #expect(
                        outcome.complaint.contains(
                            "\(used): cannot listen there: Address already in use"),
                        "\(outcome.complaint)")
                    let elsewhere = try await depot.run(
                        [command, "--data", data, "--listen", "10.255.255.254:0"])
                    #expect(elsewhere.status == 8, "\(command): \(elsewhere.complaint)")
                    let nowhere = try await depot.run(
                        [command, "--data", "/proc/none/\(number)", "--listen", "127.0.0.1:0"])
                    #expect(nowhere.status == 3, "\(command): \(nowhere.complaint)")
                    let file = try depot.write(Data())
                    let noFolder = try await depot.run(
                        [command, "--data", file, "--listen", "127.0.0.1:0"])
                    #expect([3, 74].contains(noFolder.status), "\(command): \(noFolder.complaint)")
                }
            }
        }

        /// "deleted never-was", exit 0: the first try had found nobody listening, and the second one that it was not there.
        @Test
        func `a name that never was is not called deleted because the FileServer was starting`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                try await depot.stopServer(SIGTERM)
                let delete = try depot.start(["delete", "never-was", "--patience", "60s"])
                try await poll("a try that found nobody") {
                    delete.hasOpened("anon_inode:[eventpoll]")
                }
                try await depot.startServer()
                let outcome = try await delete.outcome()
                #expect(outcome.status == 3, "\(outcome.text)\(outcome.complaint)")
            }
        }

        /// Swift's strings repair what is no UTF-8: `out<E9>` was written to another file, exit 0.
        @Test func `arguments that are no UTF-8 are refused`() async throws {
            try await Composition.with(replicas: 1) { depot in
                _ = try await depot.deposit("f", testBytes(10, seed: 1), level: 1)
                for command in [
                    "retrieve f -o files/out$'\\xe9'", "deposit files/in$'\\xe9' 1 --as g",
                    "info f$'\\xff'", "token files/t$'\\xfe'", "replica --data files/r$'\\xff'",
                ] {
                    let outcome = try await depot.bash(
                        "\"$0\" \(command)", [Composition.executable])
                    #expect(outcome.status == 64, "\(command): \(outcome.complaint)")
                    #expect(outcome.complaint.contains("this argument is not UTF-8"))
                    #expect(outcome.complaint.contains("\\x{"), "\(outcome.complaint)")
                }
                let variable = try await depot.bash(
                    "unset DEPOT_TOKEN; export DEPOT_TOKEN_FILE=$'\\xe9'; \"$0\" list",
                    [Composition.executable])
                #expect(variable.status == 64, "\(variable.complaint)")
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: "\(depot.folder)/files")
                        .allSatisfy { !$0.contains("out") })
            }
        }

        /// Containers have it switched off, often.
        private static let hasIPv6: Bool = {
            let addresses = try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)
            return addresses?.contains("00000000000000000000000000000001") ?? false
        }()

        /// What was printed could not be pasted: IPv6, spaces, quotes, and folders that are named from where one stands.
        @Test(
            arguments: [
                ("127.0.0.1", "plain"), ("[::1]", "with space"), ("0.0.0.0", "it's"),
                ("[::]", "a\"$b`c"),
                ("localhost", "back\\slash\u{202E}"),
            ].filter { hasIPv6 || !$0.0.hasPrefix("[") })
        func `what local prints can be pasted into a shell`(host: String, name: String) async throws
        {
            try await Composition.with(replicas: 0) { depot in
                let local = try depot.start(
                    [
                        "local", "--data", "files/\(name)", "--listen", "\(host):0", "--replicas",
                        // All addresses of a machine may have one that is public.
                        "3", "--insecure-plain-http",
                    ])
                try await poll("what local says") {
                    try #require(local.isRunning)
                    return try local.output().split(separator: "\n").count == 2
                }
                let pasted = try local.output()
                #expect(pasted.unicodeScalars.allSatisfy { $0.isASCII })
                let outcome = try await depot.bash(
                    "unset DEPOT_TOKEN DEPOT_SERVER; cd /\n\(pasted)\nexec \"$0\" status",
                    [Composition.executable])
                #expect(outcome.status == 0, "\(pasted)\(outcome.complaint)")
                let began = ContinuousClock.now
                #expect(try await local.stop(SIGTERM) == 0)
                // Its replicas do not wait for a FileServer that has ended before them: that took eight.
                #expect(ContinuousClock.now - began < .seconds(5))
            }
        }

        /// The replicas of a file were down, and a retrieval ended as if they had rotted.
        @Test func `holders that do not answer are told, and are no damage`() async throws {
            try await Composition.with(replicas: 2) { depot in
                _ = try await depot.deposit("f", testBytes(300_000, seed: 1), level: 2)
                for number in 0..<2 {
                    try await depot.stopReplica(number, SIGKILL)
                    try await depot.awaitReplica(number, "down")
                }
                let (status, error) = try await depot.failure(
                    ["retrieve", "f", "-o", depot.newPath(), "--patience", "1s"])
                #expect(status == 8 && error.code == "unreachable", "\(error)")
                var isNamed = false
                for number in 0..<2 {
                    let id = try await depot.id(ofReplica: number)
                    isNamed = isNamed || error.message.contains(id)
                }
                #expect(isNamed, "\(error.message)")
                let content = try await depot.curl("f/content", [])
                #expect(content.status == 504 && content.text.contains("does not answer"))
                let verified = try await depot.verify(["--unpaced"])
                #expect(verified.exitCode == 8)
                #expect(verified.verification.replicas.allSatisfy { $0.skipped != nil })
            }
        }
    }
}
