import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

/// The path exists, but not with this method.
struct MethodNotAllowed: Error {
    let method: String
    let allowed: [String]

    var response: Response {
        let error = DepotError(
            .invalidArgument,
            "the method \(method.prefix(20)) is not allowed here; use \(allowed.joined(separator: ", "))"
        )
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

    init(binary body: ByteBuffer) {
        self.init(status: .ok, type: "application/octet-stream", whole: body)
    }

    private init(status: HTTPResponse.Status, type: String, whole body: ByteBuffer) {
        self.init(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: body))
        guard let name = HTTPField.Name(BodyDigest.header) else { return }
        headers[name] = BodyDigest.of(body)
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
