import DepotCore
import Foundation
import Yams

/// What stands in one file of settings: values of options, by `serve.listen` and the like.
struct SettingsFile {
    struct Entry {
        let values: [String]
        let line: Int
    }

    private static let bytesMax = 256 << 10

    let path: String
    let entries: [String: Entry]

    /// - Parameter vocabulary: what may be set.
    /// - Throws: `invalidArgument`, with the line, for what is no YAML, for a key that nothing has,
    ///   and for a value that no option can have.
    init(_ path: String, knowing vocabulary: SettingsVocabulary) throws(DepotError) {
        self.path = path
        entries = try Self.entries(
            of: Self.read(path), at: path, knowing: vocabulary)
    }

    private static func read(_ path: String) throws(DepotError) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw .file("the settings cannot be read", path)
        }
        defer { try? handle.close() }
        do {
            let data = try handle.read(upToCount: bytesMax + 1) ?? Data()
            guard data.count <= bytesMax else {
                throw DepotError(
                    .tooLarge, "settings have \(ByteCount(UInt64(bytesMax))) at most",
                    object: path)
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                throw DepotError(.invalidArgument, "settings are UTF-8", object: path)
            }
            return text
        } catch let error as DepotError {
            throw error
        } catch {
            guard (try? FileStatus(following: path))?.isFolder != true else {
                throw DepotError(
                    .fileFailed, "it is a folder; files of settings lie in the one above",
                    object: path)
            }
            throw DepotError(
                .fileFailed, "the settings cannot be read", object: path, cause: error)
        }
    }

    private static func entries(
        of text: String, at path: String, knowing vocabulary: SettingsVocabulary
    ) throws(DepotError) -> [String: Entry] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw refusal(of: error, at: path)
        }
        guard let root, root != Node("") else { return [:] }
        var entries: [String: Entry] = [:]
        func refuse(_ node: Node, _ why: String) -> DepotError {
            DepotError(
                .invalidArgument, why, object: "\(path):\(node.mark?.line ?? 1)")
        }
        func take(_ mapping: Node.Mapping, below section: String?) throws(DepotError) {
            for (keyNode, value) in mapping {
                guard let key = keyNode.string else { throw refuse(keyNode, "a key is a text") }
                if section == nil, let inner = value.mapping {
                    guard vocabulary.sections.contains(key) else {
                        throw refuse(
                            keyNode, vocabulary.refusal(ofSection: key))
                    }
                    try take(inner, below: key)
                    continue
                }
                guard section != nil || !vocabulary.sections.contains(key) else {
                    throw refuse(
                        keyNode, "'\(key)' is a section: KEY: VALUE, a line each, below it")
                }
                let name = section.map { "\($0).\(key)" } ?? key
                guard let kind = vocabulary[name] else {
                    throw refuse(keyNode, vocabulary.refusal(of: key, in: section))
                }
                let values = value.sequence.map { $0.map(\.string) } ?? [value.string]
                guard !values.contains(nil), values.count == 1 || kind == .list,
                    kind != .flag || value.bool != nil
                else { throw refuse(value, "\(key) is \(kind.words)") }
                guard entries[name] == nil else {
                    throw refuse(keyNode, "\(key) stands here twice")
                }
                entries[name] = Entry(
                    values: kind == .flag
                        ? ["\(value.bool ?? false)"] : values.compactMap(\.self),
                    line: keyNode.mark?.line ?? 1)
            }
        }
        guard let mapping = root.mapping else {
            throw refuse(root, "settings are lines of KEY: VALUE")
        }
        try take(mapping, below: nil)
        return entries
    }

    /// What the parser of YAML says, in a line.
    private static func refusal(of error: any Error, at path: String) -> DepotError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            DepotError(.invalidArgument, problem, object: "\(path):\(mark.line)")
        case .duplicatedKeysInMapping(let keys, let context):
            DepotError(
                .invalidArgument,
                "\(keys.map { "\($0)" }.sorted().joined(separator: ", ")) stands here twice",
                object: "\(path):\(context.mark.line)")
        default: DepotError(.invalidArgument, "it is no YAML: \(error)", object: path)
        }
    }
}
