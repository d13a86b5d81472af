import DepotCluster

// Several ranges at once are allowed to be answered with everything, and are; RFC 9110, section 14.

/// Decides what is sent of a file.
struct ContentChoice: Sendable {
    let conditions: RequestConditions
    var range: String?
    var ifRange: String?

    enum Verdict: Sendable, Equatable {
        case whole
        case part(Range<UInt64>)
        case notModified
        /// The client wants another version than there is.
        case refused
        case unsatisfiable
    }

    func decide(size: UInt64, _ version: FileVersion) -> Verdict {
        switch conditions.judge(reading: version) {
        case .failed: return .refused
        case .notModified: return .notModified
        case .passed: break
        }
        guard let range, isRangeOfThis(version), let wanted = Self.parse(range) else {
            return .whole
        }
        return wanted.resolved(size: size)
    }

    /// Compared strongly: parts of two versions must not be put together.
    private func isRangeOfThis(_ version: FileVersion) -> Bool {
        guard let ifRange else { return true }
        if ifRange == version.tag { return true }
        guard let modified = version.modified else { return false }
        return HTTPDate.seconds(ifRange) == modified
    }

    private enum Wanted {
        case from(UInt64, through: UInt64?)
        case last(UInt64)

        func resolved(size: UInt64) -> Verdict {
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
