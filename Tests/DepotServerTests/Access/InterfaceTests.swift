import DepotCore
import DepotPage
import DepotTestSupport
import DepotWire
import HummingbirdCore
import NIOHTTP1
import Testing
import Yams

@testable import DepotServer

/// What is described is what can be asked for. Whether answers are as they are described is
/// Tests/Interface's to say, which asks.
@Suite struct InterfaceTests {
    private struct Description {
        struct Operation {
            let path: String
            let method: String
            let node: Node

            var id: String? { node["operationId"]?.string }
        }

        let root: Node
        let operations: [Operation]

        init() throws {
            let text = String(decoding: try PageAsset.interface().bytes, as: UTF8.self)
            root = try #require(try Yams.compose(yaml: text))
            var operations: [Operation] = []
            for (path, methods) in try #require(root["paths"]?.mapping) {
                for (method, node) in try #require(methods.mapping) {
                    operations.append(
                        Operation(
                            path: try #require(path.string),
                            method: try #require(method.string).uppercased(), node: node))
                }
            }
            self.operations = operations
        }

        /// What a `$ref` leads to, or the node itself.
        func resolved(_ node: Node) throws -> Node {
            guard let reference = node["$ref"]?.string else { return node }
            let parts = reference.split(separator: "/").dropFirst().map(String.init)
            return try parts.reduce(root) { place, part in
                try #require(place[part], "\(reference) leads nowhere")
            }
        }
    }

    /// Breaking a lock is a parameter of locking.
    private static let undescribed: Set<Route> = [.breakLock]

    @Test func `each route is described, with its method, its path and its scope`() throws {
        let description = try Description()
        var described: Set<Route> = []
        for operation in description.operations {
            let route = try #require(
                Route.allCases.first { "\($0)" == operation.id }, "\(operation.id ?? "none")")
            #expect(described.insert(route).inserted, "\(route) is described twice")
            // Whatever stands in the place of a parameter, it is the same request.
            let sample = RouteTests.sample(route)
            #expect(operation.method == sample.method, "\(route)")
            let path = operation.path.split(separator: "/").map(String.init)
            let told = try #require(sample.path.split(separator: "?").first)
            let asked = told.split(separator: "/").map(String.init)
            let first = path.firstIndex { $0.hasPrefix("{") } ?? path.count
            #expect(asked.starts(with: path[..<first]), "\(route)")
            #expect(asked.reversed().starts(with: path.dropFirst(first + 1).reversed()), "\(route)")
            #expect(first < path.count || asked == path, "\(route)")
            let scopes = operation.node["security"]?.sequence?.first?["token"]?.sequence
            #expect(scopes?.first?.string == route.rule.scope?.rawValue, "\(route)")
        }
        #expect(described.union(Self.undescribed) == Set(Route.allCases))
    }

    @Test func `parameters of a path are those that it has, and bodies are where they are read`()
        throws
    {
        let description = try Description()
        for operation in description.operations {
            let parameters = try operation.node["parameters"]?.sequence?.map(description.resolved)
            let named = (parameters ?? []).filter { $0["in"]?.string == "path" }
            let names = named.compactMap { $0["name"]?.string }
            let wanted = operation.path.matches(of: /\{([a-zA-Z]+)\}/).map { String($0.1) }
            #expect(names == wanted, "\(operation.method) \(operation.path)")
            #expect(named.allSatisfy { $0["required"]?.bool == true })
            let route = try #require(Route.allCases.first { "\($0)" == operation.id })
            let sample = RouteTests.sample(route)
            let request = try FileServerRequest(method: sample.method, uri: URI(sample.path))
            #expect((operation.node["requestBody"] != nil) == request.takesBody, "\(route)")
        }
    }

    @Test func `errors are described as they are answered, with all their codes`() throws {
        let description = try Description()
        for operation in description.operations {
            let route = try #require(Route.allCases.first { "\($0)" == operation.id })
            let statuses = operation.node["responses"]?.mapping?.keys.compactMap(\.string) ?? []
            let scoped = route.rule.scope == nil ? [] : ["401", "403"]
            #expect(Set(statuses).isSuperset(of: ["400", "429"] + scoped), "\(route)")
        }
        let responses = try #require(description.root["components"]?["responses"]?.mapping)
        for (name, response) in responses {
            let schema = response["content"]?["application/json"]?["schema"]?["$ref"]?.string
            #expect(schema == "#/components/schemas/Error", "\(name.string ?? "")")
        }
        let detail = description.root["components"]?["schemas"]?["ErrorDetail"]?["properties"]
        let codes = try #require(detail?["code"]?["enum"]?.sequence).compactMap(\.string)
        #expect(Set(codes) == Set(DepotError.Code.allCases.map(\.rawValue)))
    }

    @Test func `every reference leads somewhere, and nothing is described for nobody`() throws {
        let description = try Description()
        var led: Set<String> = []
        func follow(_ node: Node) throws {
            if let reference = node["$ref"]?.string, led.insert(reference).inserted {
                try follow(try description.resolved(node))
            }
            if let mapping = node.mapping { for (_, value) in mapping { try follow(value) } }
            if let sequence = node.sequence { for value in sequence { try follow(value) } }
        }
        try follow(try #require(description.root["paths"]))
        for kind in ["schemas", "parameters", "responses"] {
            let all = try #require(description.root["components"]?[kind]?.mapping)
            for (name, _) in all {
                let reference = "#/components/\(kind)/\(name.string ?? "")"
                #expect(led.contains(reference), "\(reference) is used nowhere")
            }
        }
    }

    @Test func `fields that are always there are described`() throws {
        func check(_ node: Node) {
            let fields = (node["properties"]?.mapping?.keys).map { Array($0) } ?? []
            for name in node["required"]?.sequence ?? [] where node["properties"] != nil {
                #expect(fields.contains(name), "\(name.string ?? "")")
            }
            if let mapping = node.mapping { for (_, value) in mapping { check(value) } }
            if let sequence = node.sequence { for value in sequence { check(value) } }
        }
        check(try Description().root)
    }

    @Test func `limits are those that hold`() throws {
        let description = try Description()
        let schemas = try #require(description.root["components"]?["schemas"])
        func bound(_ schema: String, _ key: String) -> Int? { schemas[schema]?[key]?.int }
        #expect(bound("Level", "maximum") == Limits.levelMax)
        #expect(bound("Name", "maxLength") == Limits.fileNameSizeMax)
        #expect(bound("Count", "maximum") == Count.range.upperBound)
        #expect(bound("Seconds", "maximum") == Seconds.range.upperBound)
        #expect(bound("ByteCount", "maximum") == Int(ByteCount.range.upperBound))
        let limit = description.root["components"]?["parameters"]?["limit"]?["schema"]
        #expect(limit?["maximum"]?.int == WireLimits.pageEntriesMax)
        let files = schemas["CommitRequest"]?["properties"]?["files"]
        #expect(files?["maxItems"]?.int == WireLimits.commitFilesMax)
        let names = schemas["RetrievalRequest"]?["properties"]?["names"]
        #expect(names?["maxItems"]?.int == WireLimits.retrievalFilesMax)
        let scopes = schemas["Scope"]?["enum"]?.sequence?.compactMap(\.string)
        #expect(scopes == AccessScope.allCases.map(\.rawValue))
        let chunk = schemas["ChunkReference"]?["properties"]?["length"]
        #expect(chunk?["maximum"]?.int == Limits.chunkSizeMax)
    }
}
