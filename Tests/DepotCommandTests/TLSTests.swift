import Foundation
import Testing

extension CommandTests {
    /// The real programs, with certificates that `tls init` made.
    @Suite struct TLS {
        @Test func `a deposit comes back over TLS, also with one replica killed`() async throws {
            try await Composition.with(replicas: 3, isSecure: true) { depot in
                let bytes = testBytes(64 << 20, seed: 71)
                let receipt = try await depot.deposit("large", bytes)
                #expect(receipt.copies == 3 && !receipt.degraded)
                #expect(try await depot.retrieve("large").bytes == bytes)
                try await depot.stopReplica(1, SIGKILL)
                #expect(try await depot.retrieve("large").bytes == bytes)
                let small = try await depot.deposit("small", testBytes(1_000, seed: 72), level: 2)
                #expect(small.copies == 2)
                try await depot.startReplica(1)
                try await depot.awaitReplica(1, "up")
                let got = try await depot.curl(
                    "small/content", ["--cacert", "\(depot.certificates)/ca.pem"])
                #expect(got.status == 200 && got.body == testBytes(1_000, seed: 72))
                let status = try await depot.client(["status"], as: SecureStatus.self)
                let left = [status.certificateDaysLeft] + status.replicas.map(\.certificateDaysLeft)
                // A day has begun meanwhile, or not.
                #expect(left.count == 4 && left.allSatisfy { $0 == 824 || $0 == 825 })
                let told = try await depot.run(["status"])
                #expect(told.text.contains("CERTIFICATE") && told.text.contains(" days left"))
                let verified = try await depot.verify()
                #expect(verified.exitCode == 0)
            }
        }

        struct SecureStatus: Decodable {
            struct Replica: Decodable { let certificateDaysLeft: Int? }
            let certificateDaysLeft: Int?
            let replicas: [Replica]
        }

        @Test func `a client is told what is wrong at once`() async throws {
            try await Composition.with(replicas: 1, isSecure: true) { depot in
                let port = depot.url.split(separator: ":").last ?? ""
                let began = ContinuousClock.now
                for (server, environment, words) in [
                    ("http://127.0.0.1:\(port)", [:], "use https://"),
                    (depot.url, ["DEPOT_CA_FILE": ""], "that this machine trusts"),
                    ("https://127.1:\(port)", [:], "is for other names"),
                ] as [(String, [String: String], String)] {
                    let (status, error) = try await depot.failure(
                        ["status", "--server", server], environment: environment)
                    #expect(status == 6 && error.code == "unauthorized")
                    #expect(error.message.contains(words), "\(error.message)")
                }
                let (status, error) = try await depot.failure(
                    ["status", "--ca", "\(depot.certificates)/r0.pem"])
                #expect(status == 64 && error.message.contains("may not sign others"))
                #expect(began.duration(to: .now) < .seconds(15))
                let health = try await depot.run(["health", depot.url])
                #expect(health.status == 0)
            }
        }

        @Test func `a refusal reaches whoever sends a large body`() async throws {
            try await Composition.with(replicas: 1, isSecure: true) { depot in
                let path = try depot.write(testBytes(6 << 20, seed: 73))
                let authority = ["--cacert", "\(depot.certificates)/ca.pem"]
                for _ in 0..<3 {
                    let refused = try await depot.curl(
                        "large?level=1", authority + ["-T", path, "-H", "Expect:"],
                        token: "not-the-token-of-anybody")
                    #expect(refused.status == 401 && refused.text.contains("no token"))
                }
                let put = try await depot.curl("large?level=1", authority + ["-T", path])
                #expect((200...201).contains(put.status), "\(put.text)")
            }
        }

        @Test func `TLS 1_2 is refused`() async throws {
            try await Composition.with(replicas: 1, isSecure: true) { depot in
                let address = depot.url.replacing("https://", with: "")
                for (version, isGood) in [("-tls1_2", false), ("-tls1_3", true)] {
                    let outcome = try await depot.bash(
                        "echo | openssl s_client -connect \(address) \(version) -brief "
                            + "-CAfile \(depot.certificates)/ca.pem -verify_return_error")
                    #expect((outcome.status == 0) == isGood, "\(outcome.complaint)")
                }
            }
        }

        @Test func `at a hangup new certificates are used, and wrong ones are not`() async throws {
            try await Composition.with(replicas: 1, isSecure: true) { depot in
                func daysLeft() async throws -> Int? {
                    try await depot.client(["status"], as: SecureStatus.self).certificateDaysLeft
                }
                #expect(try await daysLeft().map { $0 > 800 } == true)
                try await depot.makeCertificates(["--renew", "--days", "20"])
                depot.signalServer(SIGHUP)
                try await poll("the new certificate") {
                    try await (19...20).contains(daysLeft() ?? 0)
                }
                try Data("nonsense".utf8).write(
                    to: URL(fileURLWithPath: "\(depot.certificates)/fileserver.pem"))
                depot.signalServer(SIGHUP)
                try await poll("the error in the log") {
                    try depot.serverLog().contains("the new certificate is not used")
                }
                #expect(try await daysLeft().map { $0 <= 20 } == true)
                #expect(try depot.serverLog().contains("the certificate expires soon"))
            }
        }

        @Test func `a daemon does not start with what is wrong`() async throws {
            try await Composition.with(replicas: 1, isSecure: true) { depot in
                func fails(
                    _ arguments: [String], _ words: String, status: Int32 = 64
                ) async throws {
                    let outcome = try await depot.run(arguments)
                    #expect(outcome.status == status, "\(outcome.complaint)")
                    #expect(outcome.complaint.contains(words), "\(outcome.complaint)")
                }
                let data = depot.newPath()
                let serve = ["serve", "--data", data, "--listen", "127.0.0.1:0"]
                let replica = ["replica", "--data", data, "--listen", "127.0.0.1:0"]
                let whole = depot.tlsOptions("fileserver")
                try await fails(serve + whole.prefix(4), "are given together")
                try await fails(replica + whole, "is not a replica's")
                try await fails(
                    serve + ["--replica", "https://127.0.0.1:1"], "wants the FileServer's")
                try await fails(
                    serve + depot.tlsOptions("r0") + ["--replica", "https://127.0.0.1:1"],
                    "is not the FileServer's")
                let made = try await depot.run([
                    "tls", "init", depot.certificates, "--replica", "other",
                ])
                #expect(made.status == 0)
                try await depot.stopReplica(0, SIGTERM)
                try await fails(
                    ["replica", "--data", depot.replicaFolder(0), "--listen", "127.0.0.1:0"]
                        + depot.tlsOptions("other"), "this folder is of replica", status: 4)
            }
        }

        @Test func `without TLS only addresses of one's own are listened on`() async throws {
            try await Composition.with(replicas: 1) { depot in
                for command in ["serve", "replica"] {
                    let arguments = [
                        command, "--data", depot.newPath(), "--listen", "203.0.113.7:7400",
                    ]
                    let outcome = try await depot.run(arguments)
                    #expect(outcome.status == 64)
                    #expect(outcome.complaint.contains("--insecure-plain-http"))
                    // It is not this machine's, so that it ends there.
                    let meant = try await depot.run(arguments + ["--insecure-plain-http"])
                    #expect(meant.status == 8, "\(meant.complaint)")
                    #expect(meant.complaint.contains("insecure"))
                }
                for (host, isPrivate) in [
                    ("172.15.255.255", false), ("172.31.255.254", true), ("172.32.0.1", false),
                    ("192.168.255.254", true), ("192.169.0.1", false), ("169.254.7.7", true),
                    ("11.0.0.1", false), ("100.64.0.1", false), ("[fd12::1]", true),
                    ("[2001:db8::1]", false), ("[::ffff:203.0.113.7]", false),
                ] {
                    let outcome = try await depot.run([
                        "serve", "--data", depot.newPath(), "--listen", "\(host):7400",
                    ])
                    // None of them is this machine's.
                    #expect(outcome.status == (isPrivate ? 8 : 64), "\(host)")
                }
            }
        }

        @Test func `tls init tells what it made, and what to do with it`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let folder = depot.newPath()
                let arguments = [
                    "tls", "init", folder, "--fileserver", "files.example", "--replica",
                    "a=3F2504E0-4F89-41D3-9A0C-0305E82C3301@a.example",
                ]
                let first = try await depot.run(arguments)
                #expect(first.status == 0, "\(first.complaint)")
                #expect(
                    first.text.contains(
                        "a  made, 3f2504e0-4f89-41d3-9a0c-0305e82c3301; 825 days; for a.example"))
                #expect(first.text.contains("--replica 'a=https://a.example:7401'"))
                #expect(first.text.contains("export DEPOT_SERVER=https://files.example:7400"))
                let again = try await depot.run(arguments)
                #expect(again.text.contains("a  kept, 3f2504e0"))
                for wrong in [
                    ["--replica", "a=1"], ["--replica", "a/b"], ["--fileserver", "a b"],
                ] {
                    let outcome = try await depot.run(["tls", "init", folder] + wrong)
                    #expect(outcome.status == 64, "\(outcome.complaint)")
                }
                let nobody = try await depot.run(["tls", "init", folder])
                #expect(nobody.status == 64)
            }
        }
    }
}
