import DepotCore
import DepotWire

/// The part of an address behind the question mark.
struct QueryParameters {
    private var values: [String: String] = [:]

    /// - Throws: `invalidArgument` for a parameter that is given twice or is not percent-encoded
    ///   UTF-8.
    init(_ query: String?) throws(DepotError) {
        for pair in (query ?? "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = try PercentEncoding.decode(String(sides[0]))
            let value = sides.count > 1 ? try PercentEncoding.decode(String(sides[1])) : ""
            guard values.updateValue(value, forKey: key) == nil else {
                throw DepotError(.invalidArgument, "this parameter is given twice", object: key)
            }
        }
    }

    subscript(key: String) -> String? { values[key] }

    /// The size of a page.
    func limit() throws(DepotError) -> Int {
        guard let text = values["limit"] else { return WireLimits.pageEntriesMax }
        guard let limit = Int(text), (1...WireLimits.pageEntriesMax).contains(limit) else {
            throw fault("limit", "a number from 1 to \(WireLimits.pageEntriesMax)")
        }
        return limit
    }

    func level() throws(DepotError) -> ReplicationLevel? {
        guard let text = values["level"] else { return nil }
        guard let copies = Int(text) else {
            throw fault("level", "a number from 1 to \(Limits.levelMax)")
        }
        return try ReplicationLevel(copies)
    }

    func flag(_ key: String) throws(DepotError) -> Bool {
        switch values[key] {
        case nil, "false": return false
        case "true", "": return true
        default: throw fault(key, "true or false")
        }
    }

    func chunk(_ key: String) throws(DepotError) -> ChunkID? {
        guard let text = values[key] else { return nil }
        guard let id = ChunkID(hex: text) else {
            throw fault(key, "a chunk's id, 64 lowercase hexadecimal digits")
        }
        return id
    }

    func sequence(_ key: String) throws(DepotError) -> CommitSequence? {
        guard let text = values[key] else { return nil }
        guard let sequence = CommitSequence(text) else {
            throw fault(key, "a sequence, 8 digits, a hyphen and 16 digits")
        }
        return sequence
    }

    /// Of when a list is.
    func moment() throws(DepotError) -> ListMoment {
        let isDeleted = try flag("deleted")
        guard let text = values["at"] else { return isDeleted ? .beforeDeletion : .now }
        guard let time = Int64(text), !isDeleted else {
            throw fault("at", "seconds since 1970, and not beside 'deleted'")
        }
        return .at(time)
    }

    func number(_ key: String, in range: ClosedRange<Int>) throws(DepotError) -> Int? {
        guard let text = values[key] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw fault(key, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func fault(_ key: String, _ expected: String) -> DepotError {
        DepotError(
            .invalidArgument,
            "the parameter '\(key)' has to be \(expected), found '\(values[key] ?? "")'")
    }
}
