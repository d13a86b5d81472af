import Foundation

/// The files of a repository, by their paths from its top.
struct Repository: Sendable {
    /// What is no text has an empty one.
    let texts: [String: String]
    /// Of files and folders.
    private let paths: Set<String>

    init(_ texts: [String: String]) {
        self.texts = texts
        var paths: Set<String> = [""]
        for path in texts.keys {
            var parts = path.split(separator: "/")
            while !parts.isEmpty {
                paths.insert(parts.joined(separator: "/"))
                parts.removeLast()
            }
        }
        self.paths = paths
    }

    func has(_ path: String) -> Bool { paths.contains(path) }

    /// The texts of all files of that name, wherever they lie.
    func texts(named name: String) -> [String] {
        texts.filter { $0.key == name || $0.key.hasSuffix("/\(name)") }.map(\.value)
    }

    /// What lies in the top folder.
    var topLevel: Set<String> { Set(paths.filter { !$0.contains("/") && !$0.isEmpty }) }

    /// The words of all sources.
    var words: Set<String> {
        var words: Set<String> = []
        for (path, text) in texts where path.wholeMatch(of: /.*\.(?:swift|c|h|py)/) != nil {
            for word in text.utf8.split(whereSeparator: { !Self.isOfWord($0) }) {
                words.insert(String(Substring(word)))
            }
        }
        return words
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    var documents: [MarkdownDocument] {
        texts.filter { $0.key.hasSuffix(".md") }.map {
            MarkdownDocument(path: $0.key, text: $0.value)
        }
        .sorted { $0.path < $1.path }
    }
}

extension Repository {
    /// Left by builds, and by git; a copy of the repository need not have git's folder.
    private static let left = [".git", ".swiftpm", "__pycache__", "Package.resolved"]

    /// The one that this test is in.
    static let this = Result { try Repository(at: top) }

    private static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private init(at folder: URL) throws {
        var texts: [String: String] = [:]
        try Self.read(folder, "", &texts)
        self.init(texts)
    }

    private static func read(
        _ folder: URL, _ prefix: String, _ texts: inout [String: String]
    ) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            guard !left.contains(name), !name.hasPrefix(".build") else { continue }
            let url = folder.appendingPathComponent(name)
            if try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true {
                try read(url, "\(prefix)\(name)/", &texts)
            } else {
                texts[prefix + name] =
                    String(data: try Data(contentsOf: url), encoding: .utf8) ?? ""
            }
        }
    }
}
