import DepotCore
import FoundationEssentials
import NIOCore
import Synchronization

/// A server that answers as a StorageReplica does, but for what a test has it say instead. It takes whatever it is sent
/// and keeps none of it.
public final class HostileReplica: Sendable {
    /// What is answered to a request for a path; `nil` leaves it to the sound answer.
    public typealias Answer = @Sendable (_ path: String, _ body: ByteBuffer) -> ByteBuffer?

    public let id = ReplicaID.random()
    private let answer: Mutex<Answer>
    private let asked = Mutex<[String: Int]>([:])
    private let membership = Mutex<String>("null")

    public init(_ answer: @escaping Answer = { _, _ in nil }) { self.answer = Mutex(answer) }

    public func say(_ answer: @escaping Answer) { self.answer.withLock { $0 = answer } }

    /// The same answer to whatever is asked at a path.
    public func say(_ text: String, at path: String) {
        say { target, _ in target.hasPrefix(path) ? ByteBuffer(string: text) : nil }
    }

    /// Its standing with another number in one field.
    public func standing(with field: String, as number: String) -> String {
        let sound = standing
        guard let key = sound.firstRange(of: "\"\(field)\":") else {
            return "{\"\(field)\":\(number),\(sound.dropFirst())"
        }
        let rest = sound[key.upperBound...].drop { $0.isNumber }
        return sound[..<key.upperBound] + number + rest
    }

    /// How often a path was asked for.
    public func count(_ path: String) -> Int { asked.withLock { $0[path] ?? 0 } }

    /// Serves while `body` runs.
    public func run<Result>(_ body: (_ port: Int) async throws -> Result) async throws -> Result {
        try await ScriptedServer.run { _, connection in
            while let request = try await connection.request() {
                try await connection.send(self.reply(to: request))
            }
        } _: { server in
            try await body(server.port)
        }
    }

    /// What its standing is when nobody meddles.
    public var standing: String {
        let membership = membership.withLock { $0 }
        return """
            {"replica":"\(id)","position":{"opens":1,"segment":1,"offset":0},"usedBytes":1000,\
            "freeBytes":1000000,"capacity":1001000,"chunks":1,"writable":true,"isLeaving":false,\
            "membership":\(membership)}
            """
    }

    private func reply(to request: RawMessage) -> ByteBuffer {
        let target = request.startLine.split(separator: " ").dropFirst().first ?? ""
        let path = String(target.split(separator: "?").first ?? "")
        asked.withLock { $0[path, default: 0] += 1 }
        if path == "/r1/cluster" { membership.withLock { $0 = String(buffer: request.body) } }
        let said = answer.withLock { $0 }(String(target), request.body)
        let body = said ?? sound(path, request.body)
        var reply = ByteBuffer(
            string: "HTTP/1.1 200 OK\r\ncontent-length: \(body.readableBytes)\r\n"
                + "depot-replica: \(id)\r\ndepot-position: 1.1.0\r\n"
                + (request.header("depot-exchange").map { "depot-exchange: \($0)\r\n" } ?? "")
                + "\r\n")
        reply.writeImmutableBuffer(body)
        return reply
    }

    private func sound(_ path: String, _ body: ByteBuffer) -> ByteBuffer {
        switch path {
        case "/r1/standing", "/r1/cluster": ByteBuffer(string: standing)
        // Everything is durable.
        case "/r1/vouch": ByteBuffer(repeating: 1, count: body.readableBytes / 33)
        case "/r1/check": ByteBuffer(repeating: 1, count: body.readableBytes / 33)
        case "/r1/condemn": ByteBuffer(string: #"{"value":1}"#)
        case "/r1/delete": body
        case "/r1/segments": ByteBuffer(string: "[]")
        case "/r1/compact":
            ByteBuffer(string: #"{"movedCopies":0,"movedBytes":0,"freedBytes":0,"pinnedBy":[]}"#)
        default: ByteBuffer()
        }
    }
}
