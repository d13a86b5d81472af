import DepotCore
import DepotPage
import DepotTestSupport
import DepotWire
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Testing

@testable import DepotServer

/// What a browser is given, and what it may do with it.
@Suite(.timeLimit(.minutes(2))) struct PageTests {
    @Test func `the page and its parts come with a policy that runs nothing of others`()
        async throws
    {
        try await TestDepot.run { depot in
            var stranger = depot.http
            stranger.token = nil
            let parts = PageAsset.all.map { "/page/\($0.name)" }
            for path in ["/"] + parts {
                let answer = try await stranger.call(.GET, path)
                #expect(answer.status == 200, "\(path)")
                let policy = try #require(answer.headers.first(name: "content-security-policy"))
                #expect(policy.hasPrefix("default-src 'none'; script-src 'self';"))
                #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
                #expect(answer.headers.first(name: "x-content-type-options") == "nosniff")
                #expect(answer.headers.first(name: "cache-control") == "no-cache")
                #expect(answer.headers["access-control-allow-origin"].isEmpty)
                let tag = try #require(answer.headers.first(name: "etag"))
                let again = try await stranger.call(
                    .GET, path, headers: [("If-None-Match", tag)])
                #expect(again.status == 304 && again.body.readableBytes == 0)
            }
            let page = try await stranger.call(.GET, "/")
            let text = String(buffer: page.body)
            #expect(text.contains("/page/app.js") && !text.contains("<script>"))
            #expect(!text.contains("style=") && !text.contains("onclick="))
            for path in ["/page/", "/page/nothing.js", "/page/index.mustache", "/page/../health"] {
                #expect(try await stranger.call(.GET, path).status == 401, "\(path)")
            }
            #expect(try await stranger.call(.POST, "/").status == 401)
        }
    }

    @Test func `all files of the page are in the binary as they are in the sources`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/CPageAssets/Assets").standardized.path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let others = ["index.mustache", "openapi.yaml"]
        #expect(Set(PageAsset.all.map(\.name)) == Set(names).subtracting(others))
        for asset in PageAsset.all + [try .interface()] {
            let source = try #require(
                FileManager.default.contents(atPath: "\(folder)/\(asset.name)"))
            let isSame = Array(source) == asset.bytes
            #expect(isSame, "\(asset.name)")
        }
    }

    @Test func `the page's markup does not take what it is told for markup`() throws {
        let page = try PageAsset.page(version: "<script>", cluster: "\"'<&>")
        let text = String(decoding: page.bytes, as: UTF8.self)
        #expect(text.contains("&lt;script&gt;") && !text.contains("<script>"))
        #expect(!text.contains("\"'<&>"))
    }

    @Test func `content is content, whatever it says to be`() async throws {
        try await TestDepot.run { depot in
            let name = "a/<b> \u{e9}\".html"
            let path = "/v1/files/a/%3Cb%3E%20%C3%A9%22.html"
            let put = try await depot.http.call(
                .PUT, path + "?level=1", headers: [("Content-Type", "text/html")],
                body: [ByteBuffer(string: "<script>alert(1)</script>")])
            #expect(put.status == 201)
            #expect(try put.json(ReceiptBody.self).name.text == name)
            for method in [HTTPMethod.GET, .HEAD] {
                let answer = try await depot.http.call(method, path + "/content")
                #expect(answer.headers.first(name: "content-type") == "text/html")
                let policy = answer.headers.first(name: "content-security-policy")
                #expect(policy == "default-src 'none'; frame-ancestors 'none'; sandbox")
                #expect(answer.headers.first(name: "x-content-type-options") == "nosniff")
                #expect(
                    answer.headers.first(name: "content-disposition")
                        == "attachment; filename*=UTF-8''%3Cb%3E%20%C3%A9%22.html")
            }
        }
    }

    /// An accent joins the slash in front of it, and the folder became a part of the file's name.
    @Test func `a file is called by the last part of its name, whatever that begins with`()
        async throws
    {
        try await TestDepot.run { depot in
            for (path, last) in [("a/%CC%81b", "%CC%81b"), ("a%D8%80/b", "b")] {
                let body = [ByteBuffer(string: "text")]
                let put = try await depot.http.call(.PUT, "/v1/files/\(path)?level=1", body: body)
                #expect(put.status == 201)
                let answer = try await depot.http.call(.HEAD, "/v1/files/\(path)/content")
                #expect(
                    answer.headers.first(name: "content-disposition")
                        == "attachment; filename*=UTF-8''\(last)")
            }
        }
    }

    @Test func `a folder tells how each of its files is`() async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            for (name, level) in [("a/whole", 3), ("a/b/c", 2)] {
                try await TestDepositor(depot).deposit(
                    name, TestDepositor.data(100, seed: UInt64(level)), level: level)
            }
            let folder = try await depot.http.call(.GET, "/v1/folders?prefix=a/&health=true")
                .json(FolderBody.self)
            #expect(folder.entries.map(\.folder) == ["a/b/", nil])
            let file = try #require(folder.entries.last)
            #expect(file.file?.name.text == "a/whole" && file.versions?.wrappedValue == 0)
            #expect(file.health == FolderBody.Health(state: .whole, copies: 3, isOfAll: true))
            #expect(folder.entries.first?.files?.wrappedValue == 1 && folder.next == nil)
            let page = try await depot.http.call(.GET, "/v1/folders?limit=1&prefix=a/")
                .json(FolderBody.self)
            #expect(page.next == "a/b/" && page.entries.first?.health == nil)
            let next = try await depot.http.call(.GET, "/v1/folders?prefix=a/&after=a/b/")
                .json(FolderBody.self)
            #expect(next.entries.map(\.file?.name.text) == ["a/whole"])
            #expect(try await depot.http.call(.GET, "/v1/folders?limit=201").status == 400)
        }
    }
}
