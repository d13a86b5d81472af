import DepotCore
import DepotWire

extension IncomingBody {
    /// - Throws: `invalidArgument`, saying what is wrong with the JSON and where.
    func decode<Value: Decodable>(_ type: Value.Type) async throws(DepotError) -> Value {
        try WireJSON.decode(type, from: try await collect(atMost: WireLimits.bodyBytesMax))
    }

    func list<Entry: WireListEntry>(of kind: Entry.Type) async throws(DepotError) -> [Entry] {
        try WireList.decode(kind, from: try await collect(atMost: WireLimits.bodyBytesMax))
    }
}
