// What a request for content asks for beside the name: a range, and on what conditions. RFC 9110, sections 13
// and 14. Several ranges at once are allowed to be answered with everything, and are.

/// Decides what is sent of a file.
struct ContentConditions: Sendable {
    var range: String?
    var ifRange: String?
    var ifNoneMatch: String?

    enum Decision: Sendable, Equatable {
        case whole
        case part(Range<UInt64>)
        case notModified
        case unsatisfiable
    }

    /// - Parameters:
    ///   - tag: with its quotes.
    ///   - modified: as the answer's header says it.
    func decide(size: UInt64, tag: String, modified: String?) -> Decision {
        if let ifNoneMatch, Self.matches(ifNoneMatch, tag) { return .notModified }
        guard let range, ifRange == nil || ifRange == tag || ifRange == modified,
            let wanted = Self.parse(range)
        else { return .whole }
        return wanted.resolved(size: size)
    }

    /// Compared weakly: a tag that is marked weak will do.
    private static func matches(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { candidate in
            var candidate = candidate.drop { $0 == " " || $0 == "\t" }
            while candidate.last == " " || candidate.last == "\t" { candidate.removeLast() }
            return candidate == "*" || candidate == tag || candidate == "W/\(tag)"
        }
    }

    private enum Wanted {
        case from(UInt64, through: UInt64?)
        case last(UInt64)

        func resolved(size: UInt64) -> Decision {
            switch self {
            case .from(let first, let last):
                guard first < size else { return .unsatisfiable }
                return .part(first..<min(last ?? .max, size - 1) + 1)
            case .last(let count):
                guard count > 0, size > 0 else { return .unsatisfiable }
                return .part(size - min(count, size)..<size)
            }
        }
    }

    /// `nil` for what is no single range of bytes: it is ignored, as the RFC wants it.
    private static func parse(_ text: String) -> Wanted? {
        let text = text.filter { $0 != " " }.lowercased()
        guard text.hasPrefix("bytes=") else { return nil }
        let sides = text.dropFirst(6).split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        let (first, last) = (number(sides[0]), number(sides[1]))
        switch (sides[0].isEmpty, sides[1].isEmpty) {
        case (true, false): return last.map(Wanted.last)
        case (false, true): return first.map { .from($0, through: nil) }
        case (false, false):
            guard let first, let last, first <= last else { return nil }
            return .from(first, through: last)
        case (true, true): return nil
        }
    }

    /// Digits only; one that is too large for any file counts as the largest.
    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return UInt64(text) ?? .max
    }
}
