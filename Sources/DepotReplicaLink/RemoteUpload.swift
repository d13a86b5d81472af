import DepotCore
import DepotWire
import NIOCore

/// Objects on their way to one replica.
final class RemoteUpload: ChunkUpload {
    private let exchange: WireExchange
    private let body: BodyWriter
    private let replica: RemoteReplica

    init(exchange: WireExchange, replica: RemoteReplica) {
        self.exchange = exchange
        body = BodyWriter(exchange)
        self.replica = replica
    }

    func begin(_ id: ObjectID, length: Int) async throws(DepotError) {
        var header = ByteBuffer()
        ObjectFrame(id: id, status: .present, length: length, replica: nil).write(to: &header)
        try await body.write([header])
    }

    func write(_ part: ByteBuffer) async throws(DepotError) { try await body.write([part]) }

    func finish() async throws(DepotError) {
        do throws(DepotError) {
            try await body.finish()
            let head = try await exchange.head()
            guard head.status.code < 400 else { throw await exchange.failure(head) }
            try replica.recognise(exchange.certificate, claiming: head.headers.replica)
            try replica.check(head.headers)
            _ = try await exchange.collect(upTo: WireLimits.bodyBytesMax)
        } catch {
            exchange.cancel()
            throw error
        }
    }

    func cancel() async { exchange.cancel() }
}
