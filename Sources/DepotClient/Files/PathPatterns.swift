import DepotCore
import Glibc

import struct SystemPackage.FilePath

// As gitignore(5) says it: the last pattern that matches decides; one without a slash is compared
// with the last part of a path, any other with the whole of it; `**` stands for any number of
// parts. A part is compared by fnmatch(3).

/// Which paths of a tree are left out.
public struct PathPatterns: Sendable {
    private enum Part: Sendable {
        case anyParts
        case pattern(String)

        func matches(_ component: FilePath.Component) -> Bool {
            guard case .pattern(let pattern) = self else { return false }
            return component.withPlatformString { fnmatch(pattern, $0, 0) == 0 }
        }
    }

    private struct Rule: Sendable {
        let parts: [Part]
        let includes: Bool
        let isOfFolders: Bool
        /// Whether it is compared with the whole path.
        let isWhole: Bool
    }

    /// More are a mistake; each is compared with each name.
    public static let countMax = 10_000
    private let rules: [Rule]

    /// - Parameter lines: empty ones, and those that begin with `#`, say nothing.
    /// - Throws: `invalidArgument` where they are too many.
    public init(_ lines: [String]) throws(DepotError) {
        rules = lines.compactMap(Self.rule)
        guard rules.count <= Self.countMax else {
            throw DepotError(
                .invalidArgument,
                "at most \(Self.countMax) patterns are taken, found \(rules.count)")
        }
    }

    private static func rule(_ line: String) -> Rule? {
        var text = Substring(line)
        while text.hasSuffix(" "), !text.hasSuffix("\\ ") { text.removeLast() }
        guard !text.isEmpty, !text.hasPrefix("#") else { return nil }
        let includes = text.hasPrefix("!")
        if includes { text.removeFirst() }
        let isOfFolders = text.hasSuffix("/")
        if isOfFolders { text.removeLast() }
        let isWhole = text.utf8.contains(UInt8(ascii: "/"))
        let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard !parts.isEmpty else { return nil }
        var found: [Part] = parts.map { $0 == "**" ? .anyParts : .pattern($0) }
        // All that is in a folder, but not the folder.
        if case .anyParts = found[found.count - 1] { found.append(.pattern("*")) }
        return Rule(
            parts: found, includes: includes, isOfFolders: isOfFolders,
            isWhole: isWhole || found.count > 1)
    }

    public var isEmpty: Bool { rules.isEmpty }

    /// Whether a path is left out by itself. What is below a folder that is left out is not asked
    /// for.
    public func leavesOut(_ path: FilePath, isFolder: Bool) -> Bool {
        guard !rules.isEmpty, let last = path.lastComponent else { return false }
        let components = Array(path.components)
        let decisive = rules.last { rule in
            guard isFolder || !rule.isOfFolders else { return false }
            return rule.isWhole
                ? Self.matches(rule.parts, components) : rule.parts[0].matches(last)
        }
        return decisive.map { !$0.includes } ?? false
    }

    /// Goes back to the last `**` alone, so the time is bounded by the product of both lengths.
    private static func matches(_ parts: [Part], _ components: [FilePath.Component]) -> Bool {
        var (part, component) = (0, 0)
        var retry: (part: Int, component: Int)?
        while component < components.count {
            if part < parts.count, parts[part].matches(components[component]) {
                (part, component) = (part + 1, component + 1)
            } else if part < parts.count, case .anyParts = parts[part] {
                retry = (part + 1, component)
                part += 1
            } else if let last = retry {
                retry = (last.part, last.component + 1)
                (part, component) = (last.part, last.component + 1)
            } else {
                return false
            }
        }
        return part == parts.count
    }
}
