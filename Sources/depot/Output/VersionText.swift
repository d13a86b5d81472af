import DepotClient
import DepotCore
import DepotWire

// A sequence has 25 characters in files and on the wire, so that its text sorts as it does. People
// read and type the numbers of it: `1-7`.

extension CommitSequence {
    /// As people write it.
    var short: String { "\(epoch)-\(counter)" }

    /// - Parameter written: `1-7`, or all of its digits.
    init?(written: some StringProtocol) {
        let parts = written.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = UInt32(parts[0]), let counter = UInt64(parts[1]) else {
            return nil
        }
        self.init(exactlyEpoch: epoch, counter: counter)
    }
}

extension VersionName {
    /// A name that the depot has, or `NAME@1-7`.
    static func parse(
        _ text: String, _ client: FileServerClient
    ) async throws(DepotError) -> VersionName {
        let version = try parse(text)
        // With a version behind it a name may be too long for one.
        guard version.sequence != nil, let literal = try? FileName(path: text) else {
            return version
        }
        let first = try await client.files(.now, prefix: text, after: nil).files.first
        return first?.name == literal ? VersionName(literal) : version
    }

    /// `NAME@1-7`, or a name alone: an `@` that no sequence follows belongs to it.
    private static func parse(_ text: String) throws(DepotError) -> VersionName {
        if let mark = text.lastIndex(of: "@"), mark != text.startIndex,
            let sequence = CommitSequence(written: text[text.index(after: mark)...])
        {
            return VersionName(try FileName(path: String(text[..<mark])), sequence)
        }
        return VersionName(try FileName(path: text))
    }
}
