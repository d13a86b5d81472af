import DepotClient
import DepotCore
import DepotWire

/// For how long what names were is kept, as far as a list of an instant is concerned.
enum KeptTime {
    /// Notes where names may be missing from a list, since what they were is not kept any more.
    ///
    /// - Parameters:
    ///   - moment: of the list.
    ///   - prefix: what its names begin with.
    static func note(
        of moment: Instant?, prefix: String, _ client: FileServerClient, _ output: OutputOptions
    ) async throws(DepotError) {
        guard let moment, !output.json, !output.quiet else { return }
        let days = shortest(try await client.policies(), prefix: prefix)
        let (end, overflows) = moment.seconds.addingReportingOverflow(Int64(days) * 86_400)
        guard !overflows, end < Instant.now.seconds else { return }
        Output.note(
            "what was replaced or deleted more than \(Output.plural(days, "day")) ago may be missing: "
                + "it is not kept for longer ('depot policy list')")
    }

    /// Of all policies that can be a name's which begins so.
    private static func shortest(_ list: PolicyListBody, prefix: String) -> Int {
        let covering = list.policies.filter { covers($0.prefix, prefix) }
            .max { $0.prefix.utf8.count < $1.prefix.utf8.count }
        return list.policies.filter { $0.prefix.utf8.starts(with: prefix.utf8) }
            .map(\.policy.keepDays)
            .reduce((covering?.policy ?? list.usual).keepDays, min)
    }

    /// Whether a policy is for all names that begin so.
    private static func covers(_ scope: String, _ prefix: String) -> Bool {
        scope.isEmpty || prefix.utf8.starts(with: "\(scope)/".utf8)
    }
}
