import Foundation
import Testing

/// A matrix that names tests which are gone would prove nothing.
@Suite struct FaultMatrixTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func `every test that the matrix of faults names is there`() throws {
        let matrix = try String(
            contentsOf: Self.tests.appendingPathComponent("FAULTS.md"), encoding: .utf8)
        let sources = try Self.sources()
        let rows = matrix.split(separator: "\n").filter { $0.hasPrefix("| ") }
        let named = rows.compactMap { $0.split(separator: "|").last }
            .flatMap { $0.matches(of: /`([^`]+)`/).map { String($0.1) } }
        #expect(named.count > 50)
        for name in named {
            let isThere =
                if let dot = name.firstIndex(of: ".") {
                    sources.contains("`\(name[name.index(after: dot)...])`")
                        && sources.contains("struct \(name[..<dot]) ")
                } else {
                    sources.contains("\"\(name)") || sources.contains("def \(name)")
                }
            #expect(isThere, "\(name)")
        }
    }

    private static func sources() throws -> String {
        let paths = FileManager.default.enumerator(atPath: tests.path)
        var text = ""
        while let path = paths?.nextObject() as? String {
            guard path.hasSuffix(".swift") || path.hasSuffix(".py") else { continue }
            text += try String(contentsOf: tests.appendingPathComponent(path), encoding: .utf8)
        }
        return text
    }
}
