import DepotCore
import DepotWire
import Testing

@Suite struct AccessTokenTests {
    @Test func `a token admits whoever carries it, and nobody else`() throws {
        let token = try AccessToken("0123456789abcdef")
        #expect(token.bearer == "Bearer 0123456789abcdef")
        #expect(token.admits(token.bearer))
        for scheme in ["bearer ", "BEARER ", "Bearer   "] {
            #expect(token.admits(scheme + "0123456789abcdef"))
        }
        let others = [
            nil, "", "Bearer", "Bearer ", "0123456789abcdef", "Bearer0123456789abcdef",
            "Basic 0123456789abcdef", "\"earer 0123456789abcdef",
            "Bearer 0123456789abcdeg", "Bearer 0123456789abcde", "Bearer 0123456789abcdef ",
            "Bearer 0123456789abcdef0", "Bearer 0123456789ABCDEF",
        ]
        for other in others { #expect(!token.admits(other), "\(other ?? "nothing")") }
    }

    @Test(arguments: [
        "", "0123456789abcde", "0123456789 abcdef", "0123456789abcdé", "0123456789abcde\n",
    ])
    func `a token that is short or could not travel is refused`(text: String) {
        let error = #expect(throws: DepotError.self) { try AccessToken(text) }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.message
                == "a token has at least 16 printable ASCII characters and no spaces")
    }
}
