import DepotCluster
import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import NIOHTTP1
import Testing

@testable import DepotServer

/// A session is worth what its token is, for the page alone, and no longer than that.
@Suite(.timeLimit(.minutes(2))) struct SessionTests {
    private static func stranger(_ depot: TestDepot) -> HTTPCaller {
        HTTPCaller(port: depot.http.port, token: nil)
    }

    /// - Returns: what a browser sends back.
    private static func signIn(_ depot: TestDepot, _ token: String) async throws -> String {
        let answer = try await depot.showing(token).call(.POST, "/v1/session")
        try #require(answer.status == 200)
        let cookie = try #require(answer.headers.first(name: "set-cookie"))
        #expect(cookie.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"))
        return try #require(cookie.split(separator: ";").first.map(String.init))
    }

    @Test func `a session reads, and changes only what the page asks for`() async throws {
        try await TestDepot.run { depot in
            let cookie = try await Self.signIn(depot, try await depot.token("somebody", .write))
            let browser = Self.stranger(depot)
            let shown = ("Cookie", "other=1; \(cookie)")
            let session = try await browser.call(.GET, "/v1/session", headers: [shown])
                .json(SessionBody.self)
            #expect(session.name == "somebody" && session.scope == .write)
            #expect((43_100...43_200).contains(session.secondsLeft?.wrappedValue ?? 0))
            #expect(session.prefixes == nil)
            #expect(try await browser.call(.GET, "/v1/files", headers: [shown]).status == 200)
            let body = [ByteBuffer(string: "text")]
            let path = "/v1/files/new?level=1"
            for headers in [[shown], [shown, ("depot-page", "0")], [("depot-page", "1")]] {
                let refused = try await browser.call(.PUT, path, headers: headers, body: body)
                #expect(refused.status == 401)
            }
            #expect(try await !depot.isThere("new"))
            let done = try await browser.call(
                .PUT, path, headers: [shown, ("depot-page", "1")], body: body)
            #expect(done.status == 201)
        }
    }

    /// A page of another port of the same host gets the cookie sent, and a browser says so.
    @Test(arguments: ["cross-site", "same-site"])
    func `a request of another origin is nobody's`(_ site: String) async throws {
        try await TestDepot.run { depot in
            let cookie = try await Self.signIn(depot, TestDepot.token)
            let browser = Self.stranger(depot)
            for (header, status) in [(site, 401), ("same-origin", 200), ("none", 200)] {
                let answer = try await browser.call(
                    .GET, "/v1/files",
                    headers: [("Cookie", cookie), ("Sec-Fetch-Site", header)])
                #expect(answer.status == status, "\(header)")
                #expect(answer.headers["access-control-allow-origin"].isEmpty)
            }
            let asked = try await browser.call(
                .OPTIONS, "/v1/files/new",
                headers: [
                    ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "PUT"),
                    ("Access-Control-Request-Headers", "depot-page"),
                ])
            #expect(asked.status == 401)
            #expect(asked.headers["access-control-allow-origin"].isEmpty)
        }
    }

    @Test func `a session ends with its token`() async throws {
        try await TestDepot.run { depot in
            let browser = Self.stranger(depot)
            let revoked = try await Self.signIn(depot, try await depot.token("revoked", .read))
            let expired = try await Self.signIn(
                depot, try await depot.token("expired", .read, expires: 10))
            let rotated = try await Self.signIn(depot, try await depot.token("rotated", .read))
            let kept = try await Self.signIn(depot, try await depot.token("kept", .read))
            for cookie in [revoked, expired, rotated, kept] {
                let answer = try await browser.call(
                    .GET, "/v1/files", headers: [("Cookie", cookie)])
                #expect(answer.status == 200)
            }
            #expect(try await depot.revoke("revoked") == 204)
            _ = try await depot.rotate("rotated", overlap: 0)
            depot.clock.setWall(ahead: 11)
            for (cookie, status) in [(revoked, 401), (expired, 401), (rotated, 401), (kept, 200)] {
                let answer = try await browser.call(
                    .GET, "/v1/files", headers: [("Cookie", cookie)])
                #expect(answer.status == status)
            }
        }
    }

    @Test func `a session ends where it is signed out, and does not prolong itself`() async throws {
        try await TestDepot.run { depot in
            let browser = Self.stranger(depot)
            let cookie = try await Self.signIn(depot, TestDepot.token)
            let shown = [("Cookie", cookie), ("depot-page", "1")]
            #expect(try await browser.call(.POST, "/v1/session", headers: shown).status == 401)
            let out = try await browser.call(.DELETE, "/v1/session", headers: shown)
            #expect(out.status == 204)
            #expect(out.headers.first(name: "set-cookie")?.contains("=; Path=/; Max-Age=0") == true)
            #expect(try await browser.call(.GET, "/v1/files", headers: shown).status == 401)
            #expect(try await browser.call(.GET, "/v1/session", headers: shown).status == 204)
        }
    }

    @Test(arguments: ["", "x", "depot-00000000=1", String(repeating: "a=b; ", count: 50)])
    func `a cookie that is none lets nobody in`(_ cookie: String) async throws {
        try await TestDepot.run { depot in
            let answer = try await Self.stranger(depot).call(
                .GET, "/v1/files", headers: [("Cookie", cookie)])
            #expect(answer.status == 401)
        }
    }

    /// A header was cut at characters of Unicode, of which some join the semicolon behind them. So a
    /// cookie of somebody else on the host signed everybody out, and hid a second cookie of our name.
    @Test(arguments: ["x=1", "x=\u{600}", "x=\u{301}", "\u{301}x=1", "x", "=", "", "x=\r"])
    func `an id is found beside whatever other cookies say`(_ other: String) {
        for isSecure in [false, true] {
            let cookie = SessionCookie(cluster: .random(), isSecure: isSecure)
            let own = cookie.setting("id").prefix { $0 != ";" }
            for header in ["\(own); \(other)", "\(other); \(own)", "\(other);\(own)"] {
                #expect(cookie.id(in: header) == "id")
                #expect(cookie.id(in: "\(header); \(own)") == nil, "which of them counts?")
            }
            #expect(cookie.id(in: other) == nil)
        }
    }

    @Test func `sessions are bounded, and the oldest of a token makes place`() throws {
        let clock = TestClock()
        let sessions = PageSessions(elapsed: clock.forServer.elapsed)
        func digest(_ text: String) throws -> TokenDigest {
            try AccessToken("a-token-of-somebody-\(text)").digest
        }
        let first = sessions.begin(with: try digest("0"))
        for _ in 1..<PageSessions.countOfOneMax { _ = sessions.begin(with: try digest("0")) }
        #expect(sessions.session(first) != nil)
        _ = sessions.begin(with: try digest("0"))
        #expect(sessions.session(first) == nil)
        let lonely = sessions.begin(with: try digest("lonely"))
        for number in 1...(2 * PageSessions.countMax) {
            _ = sessions.begin(with: try digest("\(number % 100)"))
        }
        #expect(sessions.count == PageSessions.countMax)
        #expect(sessions.session(lonely) != nil)
    }

    @Test func `a session is over after twelve hours, however much it was used`() throws {
        let clock = TestClock(
            over: ServerClock(elapsed: { .zero }, sleep: { _ in }, timestamp: { 0 }))
        let sessions = PageSessions(elapsed: clock.forServer.elapsed)
        let id = sessions.begin(with: try AccessToken("a-token-of-somebody").digest)
        for _ in 1..<12 {
            clock.advance(by: .seconds(3_600))
            #expect(sessions.session(id) != nil)
        }
        clock.advance(by: .seconds(3_600))
        #expect(sessions.session(id) == nil && sessions.count == 0)
    }
}
