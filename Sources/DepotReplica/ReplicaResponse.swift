import DepotCore
import DepotMetrics
import DepotWire
import NIOCore
import NIOHTTP1

/// The response to a request, before it is written to the connection.
struct ReplicaResponse: Sendable {
    enum Part: Sendable {
        case bytes(ByteBuffer)
        case file(FileExtent)

        var length: Int {
            switch self {
            case .bytes(let bytes): bytes.readableBytes
            case .file(let extent): extent.length
            }
        }
    }

    let status: HTTPResponseStatus
    var headers: HTTPHeaders = [:]
    let parts: [Part]

    static let done = ReplicaResponse(status: .noContent, parts: [])

    static func bytes(_ bytes: ByteBuffer) -> ReplicaResponse {
        ReplicaResponse(
            status: .ok, headers: ["content-type": "application/octet-stream"],
            parts: [.bytes(bytes)])
    }

    static func json(_ value: some Encodable) throws(DepotError) -> ReplicaResponse {
        ReplicaResponse(
            status: .ok, headers: ["content-type": "application/json"],
            parts: [.bytes(try WireJSON.encode(value))])
    }

    static func exposition(_ text: String) -> ReplicaResponse {
        ReplicaResponse(
            status: .ok, headers: ["content-type": MetricRegistry.contentType],
            parts: [.bytes(ByteBuffer(string: text))])
    }

    static func error(_ error: DepotError) -> ReplicaResponse {
        let status = HTTPResponseStatus(statusCode: ErrorTable.row(for: error.code).status)
        do {
            let body = try WireJSON.encode(ErrorEnvelope(error))
            return ReplicaResponse(
                status: status, headers: ["content-type": "application/json"], parts: [.bytes(body)]
            )
        } catch {
            return ReplicaResponse(status: status, parts: [])
        }
    }

    /// Objects as frames. An object that is not held is answered as absent.
    static func objects(
        _ ids: [ObjectID], _ objects: [StoredObject?], from replica: ReplicaID
    ) -> ReplicaResponse {
        var parts: [Part] = []
        var pending = ByteBuffer()
        for (id, object) in zip(ids, objects) {
            let frame = ObjectFrame(
                id: id, status: object == nil ? .absent : .present, length: object?.length ?? 0,
                replica: replica)
            frame.write(to: &pending)
            guard let object else { continue }
            parts.append(.bytes(pending))
            pending = ByteBuffer()
            switch object.bytes {
            case .memory(let buffers): parts += buffers.map(Part.bytes)
            case .file(let extent): parts.append(.file(extent))
            }
        }
        if pending.readableBytes > 0 { parts.append(.bytes(pending)) }
        return ReplicaResponse(
            status: .ok, headers: ["content-type": "application/octet-stream"], parts: parts)
    }
}
