import DepotCluster
import DepotCore
import DepotMetrics
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

/// An error that knows how it is answered.
protocol AnsweredError: Error {
    var response: Response { get }
}

extension PreconditionFailed: AnsweredError {
    var response: Response {
        var response = Response(
            DepotError(
                .conflict,
                "the file is not as the request's conditions want it; nothing was done",
                object: name.text))
        response.status = .preconditionFailed
        return response
    }
}

/// The path exists, but not with this method.
struct MethodNotAllowed: AnsweredError {
    let method: String
    let allowed: [String]

    var response: Response {
        let error = DepotError(
            .invalidArgument,
            "the method \(method.prefix(20)) is not allowed here; use "
                + "\(allowed.joined(separator: ", "))")
        var response = Response(error)
        response.status = .methodNotAllowed
        response.headers[.allow] = allowed.joined(separator: ", ")
        return response
    }
}

extension Response {
    static let noContent: Response = {
        var response = Response(status: .noContent)
        response.headers[.contentLength] = nil
        return response
    }()

    init(status: HTTPResponse.Status = .ok, json value: some Encodable) throws {
        self.init(
            status: status, type: "application/json", whole: try WireJSON.encode(value))
    }

    /// What was encoded before.
    init(jsonText text: ByteBuffer) {
        self.init(status: .ok, type: "application/json", whole: text)
    }

    /// An answer that may be large: it is handed on part by part.
    ///
    /// - Parameter room: what it takes of memory, until the client has taken it.
    init(json value: some Encodable, in room: MemoryReservation) throws {
        self.init(type: "application/json", whole: try WireJSON.encode(value), in: room)
    }

    /// The same as lines.
    init(lines: ByteBuffer, in room: MemoryReservation) {
        self.init(type: WireLines.contentType, whole: lines, in: room)
    }

    private init(type: String, whole: ByteBuffer, in room: MemoryReservation) {
        self.init(status: .ok, type: type, whole: whole)
        body = ResponseBody(contentLength: whole.readableBytes) { writer in
            var rest = whole
            while let part = rest.readSlice(length: min(rest.readableBytes, Self.partBytes)),
                part.readableBytes > 0
            {
                try await writer.write(part)
            }
            withExtendedLifetime(room) {}
            try await writer.finish(nil)
        }
    }

    private static var partBytes: Int { 256 << 10 }

    init(lines: ByteBuffer) {
        self.init(status: .ok, type: WireLines.contentType, whole: lines)
    }

    init(binary body: ByteBuffer) {
        self.init(status: .ok, type: "application/octet-stream", whole: body)
    }

    init(exposition text: String) {
        self.init(
            status: .ok, type: MetricRegistry.contentType, whole: ByteBuffer(string: text))
    }

    private init(status: HTTPResponse.Status, type: String, whole body: ByteBuffer) {
        self.init(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: body))
        headers[own: .bodyDigest] = BodyDigest.of(body)
    }

    init(_ error: DepotError) {
        let status = HTTPResponse.Status(code: ErrorTable.row(for: error.code).status)
        do {
            try self.init(status: status, json: ErrorEnvelope(error))
        } catch {
            self.init(status: status)
        }
        switch error.code {
        case .unauthorized: headers[.wwwAuthenticate] = "Bearer"
        case .busy: headers[.retryAfter] = "1"
        default: break
        }
    }
}
