import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

extension FileServerRoutes {
    /// What the page shows first, again whenever it has changed: server-sent events, each of them an
    /// `OverviewBody`.
    ///
    /// - Parameter isOnce: ends after the first of them.
    func events(_ exchange: Exchange, isOnce: Bool) async throws -> Response {
        let first = try await parts.overview.current()
        let listener = isOnce ? nil : try parts.events.open(for: exchange.transfer.borrower)
        let (door, credentials) = (parts.door, exchange.credentials)
        let transfer = exchange.transfer
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                var output = writer
                try await output.write(Self.event(first))
                if let listener {
                    transfer.makesPlace()
                    var told = first.version
                    for await next in listener.stream {
                        // A token may have been taken away since.
                        guard let caller = door.caller(credentials),
                            (try? Route.events.permit(caller, name: nil)) != nil
                        else { break }
                        let isNews = next.version != told
                        try await output.write(isNews ? Self.event(next) : Self.heartbeat)
                        told = next.version
                    }
                }
                try await output.finish(nil)
            })
    }

    /// A comment, of which the page sees nothing.
    private static let heartbeat = ByteBuffer(string: ":\n\n")

    /// JSON has no line breaks as it is encoded here, so one line is all of it.
    private static func event(_ snapshot: OverviewService.Snapshot) -> ByteBuffer {
        var text = ByteBuffer(string: "id: \(snapshot.version)\ndata: ")
        text.writeImmutableBuffer(snapshot.text)
        text.writeStaticString("\n\n")
        return text
    }
}
