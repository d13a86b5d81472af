import DepotCore
import FoundationEssentials
import Testing

@Suite struct IdentifierTests {
    private static let text = "6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c"

    @Test func `ids are written in lowercase`() throws {
        let id = try #require(ReplicaID(Self.text.uppercased()))
        #expect("\(id)" == Self.text)
        #expect(ReplicaID(Self.text) == id)
        #expect(ReplicaID("not a UUID") == nil)
        #expect(ReplicaID.random() != ReplicaID.random())
    }

    @Test func `ids are read and written as Foundation does`() throws {
        for _ in 0..<200 {
            let uuid = UUID()
            #expect("\(RequestID(uuid: uuid))" == uuid.uuidString.lowercased())
            #expect(RequestID(uuid.uuidString)?.uuid == uuid)
        }
        let digits = Set("0123456789abcdefABCDEF".utf8)
        for place in 0..<Self.text.utf8.count {
            for byte in UInt8.min...127 {
                var text = Array(Self.text.utf8)
                let isHyphen = text[place] == UInt8(ascii: "-")
                text[place] = byte
                let spelled = String(decoding: text, as: UTF8.self)
                let isValid = isHyphen ? byte == UInt8(ascii: "-") : digits.contains(byte)
                // Foundation takes spaces and signs, too.
                let expected = isValid ? UUID(uuidString: spelled) : nil
                #expect(RequestID(spelled)?.uuid == expected, "\(spelled)")
            }
        }
        for text in ["", String(Self.text.dropLast()), Self.text + "0", "{\(Self.text)}"] {
            #expect(RequestID(text) == nil)
        }
    }

    @Test func `a dictionary by replica is a JSON object`() throws {
        let replica = try #require(ReplicaID(Self.text))
        let json = try JSONEncoder().encode([replica: 1])
        #expect(String(decoding: json, as: UTF8.self) == "{\"\(Self.text)\":1}")
        #expect(try JSONDecoder().decode([ReplicaID: Int].self, from: json) == [replica: 1])
    }

    @Test func `a log continues only where nothing went back`() {
        let position = LogPosition(opens: 2, segment: 3, offset: 100)
        #expect(position.continues(position))
        #expect(LogPosition(opens: 2, segment: 4, offset: 0).continues(position))
        #expect(LogPosition(opens: 3, segment: 3, offset: 100).continues(position))
        #expect(!LogPosition(opens: 2, segment: 3, offset: 99).continues(position))
        #expect(!LogPosition(opens: 1, segment: 9, offset: 0).continues(position))
        #expect(!LogPosition(opens: 3, segment: 2, offset: 500).continues(position))
    }

    @Test func `an error tells object, message and cause in one line`() {
        let cause = DepotError(.unreachable, "no answer in 5 s", object: "r1")
        let error = DepotError(.noGoodCopy, "no replica gave it", object: "ab", cause: cause)
        #expect("\(error)" == "ab: no replica gave it (r1: no answer in 5 s)")
        #expect("\(DepotError(.busy, "wait"))" == "wait")
    }
}
