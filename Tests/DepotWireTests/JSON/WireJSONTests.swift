import DepotCore
import DepotWire
import NIOCore
import Testing

@Suite struct WireJSONTests {
    static let deposit = "0b8f6f2e-9a53-4b58-8d4c-0d3b6a1f2c3d"

    static let faults: [(json: String, message: String)] = [
        (#"{}"#, "not the expected JSON: 'deposit' is missing"),
        (#"{"deposit":7}"#, "not the expected JSON: 'deposit' has the wrong type"),
        (#"{"deposit":"x"}"#, "not the expected JSON: 'deposit': expected a UUID, found 'x'"),
        (
            #"{"deposit":"\#(deposit)","reachableReplicas":1,"leaseSeconds":null}"#,
            "not the expected JSON: 'leaseSeconds' has the wrong type"
        ),
    ]

    @Test(arguments: faults)
    func `JSON that is wrong is refused by the name of its field`(json: String, message: String) {
        let error = #expect(throws: DepotError.self) {
            try WireJSON.decode(DepositBody.self, from: ByteBuffer(string: json))
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == message)
    }

    @Test(arguments: ["", "{", "[1,", "nul", "\u{0}", "{\"deposit\":\"\\ud800\"}"])
    func `what is no JSON is refused`(text: String) {
        let error = #expect(throws: DepotError.self) {
            try WireJSON.decode(DepositBody.self, from: ByteBuffer(string: text))
        }
        #expect(error?.code == .invalidArgument)
    }

    /// A token of 64 random bits goes through JSON, whose numbers are not that wide for everybody.
    @Test(arguments: [0, 1, 1 << 53 + 1, .max - 1, .max] as [UInt64])
    func `a condemnation's token comes back as it was`(value: UInt64) throws {
        let token = CondemnToken(value: value)
        #expect(try WireJSON.decode(CondemnToken.self, from: WireJSON.encode(token)) == token)
    }
}
