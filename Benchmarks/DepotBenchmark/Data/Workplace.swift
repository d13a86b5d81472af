import Foundation

/// A folder that is gone afterwards.
struct Workplace {
    let root: String

    init(in folder: String?) throws {
        let parent = folder ?? NSTemporaryDirectory()
        root = "\(parent)/depot-benchmark-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func fresh(_ name: String) throws -> String {
        let path = path("\(name)-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    /// A program that was built beside this one.
    static func sibling(_ name: String) -> String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent(name).path
    }
}
