import DepotCore
import FoundationEssentials
import NIOCore

/// JSON bodies, written and read in one way by everybody.
public enum WireJSON {
    public static func encode(_ value: some Encodable) throws(DepotError) -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try ByteBuffer(bytes: encoder.encode(value))
        } catch {
            throw DepotError(.internalError, "could not write JSON", cause: error)
        }
    }

    /// - Throws: `invalidArgument`, naming the field that is missing or wrong.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from body: ByteBuffer
    ) throws(DepotError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw DepotError(.invalidArgument, "not the expected JSON: \(fault(error))")
        } catch let error as DepotError {
            throw DepotError(
                .invalidArgument, "not the expected JSON: \(error.message)", object: error.object)
        } catch {
            throw DepotError(.invalidArgument, "not the expected JSON", cause: error)
        }
    }

    private static func fault(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "'\(path(context.codingPath + [key]))' is missing"
        case .valueNotFound(_, let context), .typeMismatch(_, let context):
            "'\(path(context.codingPath))' has the wrong type"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? context.debugDescription
                : "'\(path(context.codingPath))': \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}
