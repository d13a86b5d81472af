import DepotCore
import DepotWire
import Synchronization
import Testing

/// Who comes in, and when no more.
@Suite struct AccessTableTests {
    private static let administrator = "administrator-0123456789"
    private static let secret = "a-token-of-somebody-0123456789"
    private static let next = "the-token-after-it-0123456789"

    private static func digest(_ text: String) throws -> TokenDigest {
        try AccessToken(text).digest
    }

    private static func grant(
        _ scope: AccessScope = .read, prefixes: [String] = [], expires: Int64? = nil
    ) throws -> TokenGrant {
        try TokenGrant(
            name: TokenName("somebody"), scope: scope,
            prefixes: prefixes.map { try FileName($0) }, created: 1_000, expires: expires,
            digest: digest(secret))
    }

    /// - Parameter now: seconds since 1970.
    private static func caller(
        _ token: String?, _ grants: [TokenGrant], at now: Int64 = 2_000
    ) throws -> Caller? {
        let table = AccessTable(administrator: try AccessToken(administrator)) { now }
        try table.replace(with: grants)
        let shown = token.map { "Bearer \($0)" }
        let caller = table.caller(showing: shown)
        if case .caller(let found) = table.look(shown) {
            #expect(found == caller)
        } else {
            #expect(caller == nil)
        }
        return caller
    }

    @Test func `the administrator's token does everything, whatever else there is`() throws {
        for grants in [[], [try Self.grant()]] {
            let caller = try #require(try Self.caller(Self.administrator, grants))
            #expect(caller.scope == .admin && caller.reach == .everything)
        }
    }

    @Test func `a token lets in with its scope and reach`() throws {
        let grant = try Self.grant(.append, prefixes: ["a/b", "c"])
        let caller = try #require(try Self.caller(Self.secret, [grant]))
        #expect(caller.name == "somebody" && caller.scope == .append)
        #expect(caller.reach == (try NameReach(below: [FileName("a/b"), FileName("c")])))
    }

    @Test(arguments: [nil, "", "another-token-0123456789", "a-token-of-somebody-012345678"])
    func `nothing else lets in`(_ token: String?) throws {
        #expect(try Self.caller(token, [Self.grant()]) == nil)
    }

    @Test func `an expired token lets nobody in`() throws {
        let grant = try Self.grant(expires: 2_000)
        #expect(try Self.caller(Self.secret, [grant], at: 1_999) != nil)
        #expect(try Self.caller(Self.secret, [grant], at: 2_000) == nil)
    }

    @Test func `a revoked token lets nobody in`() throws {
        var grant = try Self.grant()
        grant.revoke(at: 1_500)
        #expect(try Self.caller(Self.secret, [grant]) == nil)
    }

    @Test func `of a rotated token both are good for a while`() throws {
        var grant = try Self.grant()
        grant.rotate(to: try Self.digest(Self.next), keepingOthers: 3_000)
        for (now, isOldGood) in [(Int64(2_999), true), (3_000, false)] {
            #expect((try Self.caller(Self.secret, [grant], at: now) != nil) == isOldGood)
            #expect(try Self.caller(Self.next, [grant], at: now) != nil)
        }
        grant.rotate(to: try Self.digest(Self.administrator), keepingOthers: .max)
        #expect(try Self.caller(Self.secret, [grant], at: 0) == nil)
        // The second rotation makes the first one's end no later.
        #expect(try Self.caller(Self.next, [grant], at: 3_000) != nil)
    }

    @Test func `what cannot be is no grant`() throws {
        #expect(throws: DepotError.self) { try Self.grant(.admin, prefixes: ["a"]) }
        #expect(throws: DepotError.self) { try Self.grant(expires: 1_000) }
        #expect(throws: DepotError.self) { try Self.grant(expires: .max) }
        #expect(throws: DepotError.self) { try Self.grant(prefixes: (0...32).map { "p\($0)" }) }
        for name in ["", "a b", "é", "a/b", String(repeating: "a", count: 65)] {
            #expect(throws: DepotError.self) { try TokenName(name) }
        }
    }

    /// The file of a FileServer may say anything.
    @Test func `a grant that was written by somebody else is checked as well`() throws {
        let text = """
            {"name":"x","scope":"admin","prefixes":["a"],"created":1,"keys":[]}
            """
        let grant = try WireJSON.decode(TokenGrant.self, from: .init(string: text))
        #expect(throws: DepotError.self) { try Self.caller(Self.secret, [grant]) }
    }

    @Test func `each scope has what those before it have`() {
        #expect(AccessScope.allCases == AccessScope.allCases.sorted())
        #expect(AccessScope.allCases == [.observe, .read, .append, .write, .admin])
    }
}
