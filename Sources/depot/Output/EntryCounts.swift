import DepotCore

/// How many names a command has dealt with, by what they are of.
struct EntryCounts: Encodable, Sendable {
    private(set) var files = 0
    private(set) var folders = 0
    private(set) var links = 0
    private(set) var specials = 0

    var total: Int { files + folders + links + specials }

    mutating func add(_ kind: EntryKind) {
        switch kind {
        case .file: files += 1
        case .folder: folders += 1
        case .link: links += 1
        case .special: specials += 1
        }
    }
}

/// What is said of names, by what they are of.
struct ByKind<Value: Sendable>: Sendable {
    private(set) var files: [Value] = []
    private(set) var folders: [Value] = []
    private(set) var links: [Value] = []
    private(set) var specials: [Value] = []

    var all: [Value] { files + folders + links + specials }

    mutating func add(_ value: Value, _ kind: EntryKind) {
        switch kind {
        case .file: files.append(value)
        case .folder: folders.append(value)
        case .link: links.append(value)
        case .special: specials.append(value)
        }
    }
}

extension EntryCounts: CustomStringConvertible {
    var description: String {
        var parts = files > 0 || total == 0 ? [Output.plural(files, "file")] : []
        if folders > 0 { parts.append(Output.plural(folders, "folder")) }
        if links > 0 { parts.append(Output.plural(links, "link")) }
        if specials > 0 { parts.append(Output.plural(specials, "special file")) }
        return parts.joined(separator: ", ")
    }
}
