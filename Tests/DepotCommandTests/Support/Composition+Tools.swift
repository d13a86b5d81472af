import Foundation

/// The tools that people use beside `depot`.
extension Composition {
    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: Data

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// One replica, and three files.
    static func withFiles(_ body: (Composition) async throws -> Void) async throws {
        try await Composition.with(replicas: 1) { depot in
            for name in ["big/report.pdf", "big/photo.jpg", "small"] {
                _ = try await depot.deposit(name, testBytes(10, seed: 1), level: 1)
            }
            try await body(depot)
        }
    }

    func bash(
        _ script: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> ChildProcess.Outcome {
        try await start(
            ["-c", script] + arguments, environment: environment, executable: "/bin/bash"
        ).outcome()
    }

    /// What a verification says, whatever it found; its exit code has to be the process's.
    func verify(_ options: [String] = []) async throws -> Verified {
        let outcome = try await run(["verify", "--json"] + options)
        guard let report = try? JSONDecoder().decode(Verified.self, from: outcome.output),
            report.exitCode == outcome.status
        else { throw Failed(description: "verify ended with \(outcome.status): \(outcome.text)") }
        return report
    }

    /// - Parameter path: what follows `root`, percent-encoded; sent as it is.
    func curl(
        _ path: String, _ arguments: [String], below root: String = "/v1/files/"
    ) async throws -> Answer {
        try await curl(path, arguments, below: root, token: token)
    }

    func curl(
        _ path: String, _ arguments: [String], below root: String = "/v1/files/", token: String?
    ) async throws -> Answer {
        let (headers, body) = (newPath(), newPath())
        let outcome = try await start(
            ["-sS", "--path-as-is", "-D", headers, "-o", body]
                + (token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []) + arguments
                + ["\(url)\(root)\(path)"],
            executable: "/usr/bin/curl"
        ).outcome()
        guard outcome.status == 0 else { throw Failed(description: outcome.complaint) }
        let text = try String(contentsOfFile: headers, encoding: .utf8)
        // The last answer: `100 Continue` may come before it.
        let lines = text.replacing("\r\n", with: "\n").split(separator: "\n\n").last?
            .split(separator: "\n")
        let fields = (lines ?? []).dropFirst().map { $0.split(separator: ": ", maxSplits: 1) }
        return Answer(
            status: (lines?.first?.split(separator: " ").dropFirst().first).flatMap { Int($0) }
                ?? 0,
            headers: Dictionary(
                fields.filter { $0.count == 2 }.map { ($0[0].lowercased(), String($0[1])) },
                uniquingKeysWith: { $1 }),
            body: FileManager.default.contents(atPath: body) ?? Data())
    }
}
