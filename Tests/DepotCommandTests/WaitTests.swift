import DepotTestSupport
import Foundation
import Testing

extension CommandTests {
    /// How long is waited for others, and what is told meanwhile.
    @Suite struct Waits {
        /// A suggestion is a courtesy: a FileServer that says no more is not waited for.
        @Test func `a FileServer that hangs after its answer delays no error`() async throws {
            let missing = #"{"error":{"code":"notFound","message":"no such file","object":"x"}}"#
            try await ScriptedServer.run { _, connection in
                while let request = try await connection.request() {
                    guard request.startLine.contains("versions") else { continue }
                    let exchange = request.header("depot-exchange") ?? ""
                    try await connection.send(
                        "HTTP/1.1 404 Not Found\r\ndepot-exchange: \(exchange)\r\n"
                            + "content-type: application/json\r\n"
                            + "content-length: \(missing.utf8.count)\r\n\r\n\(missing)")
                }
            } _: { server in
                try await Composition.with(replicas: 1) { depot in
                    let began = ContinuousClock.now
                    let outcome = try await depot.run(
                        ["versions", "x", "--server", "http://127.0.0.1:\(server.port)"])
                    #expect(outcome.status == 3, "\(outcome.complaint)")
                    #expect(ContinuousClock.now - began < .seconds(15))
                    #expect(server.accepted >= 1)
                }
            }
        }

        /// The two others are too few for what it holds: no drain comes to an end there.
        @Test func `a drain that gets no further is not waited for`() async throws {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("f", testBytes(100_000, seed: 1), level: 3)
                let name = depot.name(ofReplica: 1)
                let outcome = try await depot.run(
                    ["drain", name, "--force", "--patience", "3s"])
                #expect(outcome.status == 5, "\(outcome.complaint)")
                #expect(outcome.text.contains("\(name)  draining"))
                #expect(outcome.text.contains("too few replicas take copies"))
                #expect(try await depot.run(["drain", name, "--stop"]).status == 0)
            }
        }

        @Test func `whoever waits is told what for`() async throws {
            try await ScriptedServer.run { _, connection in
                _ = try await connection.request()
                try await connection.send(
                    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            } _: { server in
                try await Composition.with(replicas: 1) { depot in
                    let address = "http://127.0.0.1:\(server.port)"
                    for (more, count) in [([], 1), (["--quiet"], 0)] {
                        let outcome = try await depot.run(
                            ["list", "--server", address, "--patience", "8s"] + more)
                        #expect(outcome.status == 8)
                        let waiting = outcome.complaint.matches(of: /waiting: .* not as depot does/)
                        #expect(waiting.count == count, "\(outcome.complaint)")
                    }
                }
            }
        }

        @Test func `a FileServer that is silent is told of`() async throws {
            try await ScriptedServer.run { _, connection in
                while try await connection.request() != nil {}
            } _: { server in
                try await Composition.with(replicas: 1) { depot in
                    let outcome = try await depot.bash(
                        "timeout 8 $0 list --server http://127.0.0.1:\(server.port)",
                        [Composition.executable])
                    #expect(
                        outcome.complaint.contains("waiting: the FileServer has not answered yet"))
                }
            }
        }
    }
}
