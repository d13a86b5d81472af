import DepotCertificates
import DepotCore
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1

@testable import DepotServer
@testable import DepotWire

extension FuzzTarget {
    /// Lines, without their ends.
    private static func lines(_ bytes: ByteBuffer) -> [String] {
        String(buffer: bytes).split(
            separator: "\n", maxSplits: 64, omittingEmptySubsequences: false
        ).map(String.init)
    }

    private static func file(of size: UInt64) throws -> FileEntry {
        FileEntry(
            name: try FileName("file"), sequence: CommitSequence(epoch: 1, counter: 1),
            manifest: .empty, size: size, level: .three, metadata: FileMetadata(),
            time: 1_700_000_000)
    }

    private static let methods = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]

    private static let administrator = "administrator-0123456789"
    private static let closed: AccessTable = {
        guard let token = try? AccessToken(administrator) else { fatalError("no token") }
        return AccessTable(administrator: token) { 1_000 }
    }()
    private static let nobody = PageSessions { .zero }
    private static let cookies = [false, true].map {
        SessionCookie(
            cluster: ClusterID(
                uuid: UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))),
            isSecure: $0)
    }

    static let server = [
        // The first byte says the method.
        FuzzTarget(name: "request") { bytes in
            var rest = bytes
            guard let first = rest.readInteger(as: UInt8.self) else { return }
            let method = methods[Int(first) % methods.count]
            guard
                let request = try? FileServerRequest(
                    method: method, uri: URI(String(buffer: rest)))
            else { return }
            let route = request.route
            require(
                route.rule.reach != .name || request.name != nil,
                "a request for a name has none")
            require(
                route.rule.scope == nil
                    || (try? route.permit(.stranger, name: request.name)) == nil,
                "a stranger is let in")
            if let name = request.name {
                require((try? PathName(name)) != nil, "a name that is no path")
            }
        },
        // A path, and a header in each line.
        FuzzTarget(name: "head") { bytes in
            let lines = lines(bytes)
            var head = HTTPRequestHead(version: .http1_1, method: .PUT, uri: lines[0])
            for line in lines.dropFirst() {
                let parts = line.split(
                    separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                // The parser in front gives no other names.
                guard parts[0].utf8.allSatisfy({ $0 < 0x80 }) else { return }
                head.headers.add(name: String(parts[0]), value: String(parts.last ?? ""))
            }
            guard let checked = try? RequestRules.check(head) else { return }
            let lengths = checked.headers["content-length"]
            require(lengths.count < 2, "two lengths")
            require(
                lengths.isEmpty || checked.headers["transfer-encoding"].isEmpty,
                "a length and a transfer coding")
            require(
                checked.headers.allSatisfy { header in
                    !header.value.utf8.contains { $0 == 13 || $0 == 10 || $0 == 0 }
                }, "a header of several lines")
        },
        // A value in each line: of Range, If-Range, If-Match, If-None-Match and the dates.
        FuzzTarget(name: "conditions") { bytes in
            let lines = lines(bytes)
            var headers = HTTPFields()
            for (name, value) in zip(
                [.ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince] as [HTTPField.Name],
                lines.dropFirst(2)) where !value.isEmpty
            { headers[name] = value }
            guard let conditions = try? RequestConditions(headers) else { return }
            let size: UInt64 = 1_000
            guard let file = try? file(of: size) else { return }
            let choice = ContentChoice(
                conditions: conditions, range: lines[0],
                ifRange: lines.count > 1 ? lines[1] : nil)
            if case .part(let range) = choice.decide(size: size, FileVersion(file)) {
                require(
                    !range.isEmpty && range.upperBound <= size, "a part that is out of the file")
            }
        },
        FuzzTarget(name: "grants") { bytes in
            guard let grant = try? WireJSON.decode(TokenGrant.self, from: bytes),
                let token = try? AccessToken(administrator)
            else { return }
            let table = AccessTable(administrator: token) { 1_000 }
            _ = try? table.replace(with: [grant])
            require(
                table.caller(showing: "Bearer \(String(buffer: bytes))") == nil,
                "a list of tokens lets itself in")
            _ = TokenBody(grant, at: 1_000)
        },
        // A value in each line: of Cookie, Authorization, Depot-Page and Sec-Fetch-Site.
        FuzzTarget(name: "cookie") { bytes in
            let lines = lines(bytes)
            func line(_ index: Int) -> String? { index < lines.count ? lines[index] : nil }
            if let token = line(1).flatMap({ try? AccessToken($0) }) {
                require(token.admits(token.bearer), "a token does not admit itself")
            }
            for cookie in cookies {
                let shown = Credentials(
                    method: "GET", authorization: line(1), cookies: [lines[0]], page: line(2),
                    site: line(3))
                let door = FrontDoor(access: closed, sessions: nobody, cookie: cookie)
                require(
                    shown.authorization?.utf8.firstRange(of: administrator.utf8) != nil
                        || door.caller(shown) == nil, "a stranger is let in")
                guard lines[0].utf8.firstRange(of: cookie.name.utf8) == nil else { continue }
                require(cookie.id(in: lines[0]) == nil, "an id that nobody has set")
                let own = cookie.setting("0123456789abcdef").prefix { $0 != ";" }
                for header in ["\(own); \(lines[0])", "\(lines[0]); \(own)"] {
                    require(
                        cookie.id(in: header) == "0123456789abcdef",
                        "an id is lost beside other cookies")
                }
            }
        },
        FuzzTarget(name: "certificate") { bytes in
            guard let certificate = try? Certificate(der: Array(bytes.readableBytesView)) else {
                return
            }
            _ = (certificate.role, certificate.daysLeft(at: 1_000))
        },
    ]
}
