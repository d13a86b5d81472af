import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Policy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say for how long what files were before is kept.",
        discussion: """
            A policy is for a name and everything below it; of several, that of the longest name \
            holds. Where there is none, serve --keep-versions says it. A version goes when it was \
            replaced or deleted more than D days ago and is not among the last K of its name.

            EXAMPLES:
              depot policy set photos --keep-days 365 --keep-last 3
              depot policy list
            """, subcommands: [Set.self, List.self, Remove.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set the policy of a name and everything below it.",
            discussion: """
                With 0 and 0 nothing is kept: what is replaced or deleted goes with the next \
                collections.

                EXAMPLES:
                  depot policy set photos --keep-days 365 --keep-last 3
                  depot policy set cache --keep-days 0 --keep-last 0
                  depot policy set / --keep-days 90
                """)

        @Argument(help: "The name; / is the whole depot.", completion: .fileNames)
        var prefix: String
        @Option(help: ArgumentHelp("Keep for so many days.", valueName: "D")) var keepDays: Int
        @Option(help: ArgumentHelp("Keep the last K of each name, however old.", valueName: "K"))
        var keepLast = 0
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let policy = PolicyBody(try VersionPolicy(days: keepDays, last: keepLast))
            let scope = try PolicyScope(prefix: prefix)
            let list = try await options.client().setPolicy(
                policy, prefix: scope.root?.text ?? "")
            Policy.show(list, options.output)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the policies.",
            discussion: """
                EXAMPLES:
                  depot policy list
                """)

        @OptionGroup var options: ServerOptions

        func run() async throws {
            Policy.show(try await options.client().policies(), options.output)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a policy away: that of the next shorter name holds again.",
            discussion: """
                EXAMPLES:
                  depot policy remove photos
                """)

        @Argument(help: "The name; / is the whole depot.", completion: .policyNames)
        var prefix: String
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let scope = try PolicyScope(prefix: prefix)
            let prefix = scope.root?.text ?? ""
            let client = try options.client()
            guard try await client.policies().policies.contains(where: { $0.prefix == prefix })
            else {
                throw DepotError(
                    .notFound, "there is no policy of this name; 'depot policy list' lists them",
                    object: scope.root?.text ?? "/")
            }
            Policy.show(try await client.removePolicy(prefix: prefix), options.output)
        }
    }

    private static func show(_ list: PolicyListBody, _ output: OutputOptions) {
        if output.json { return Output.json(list) }
        guard !output.quiet else { return }
        let isWhole = list.policies.contains { $0.prefix.isEmpty }
        let usual =
            isWhole
            ? []
            : [
                [
                    "/", "\(list.usual.keepDays)", "\(list.usual.keepLast)",
                    "(serve --keep-versions)",
                ]
            ]
        Output.table(
            [["NAME", "DAYS", "LAST"]] + usual
                + list.policies.map {
                    [$0.prefix.isEmpty ? "/" : "\($0.prefix)", "\($0.keepDays)", "\($0.keepLast)"]
                }, rightAligned: [1, 2])
    }
}

extension PolicyListBody.Entry {
    fileprivate var keepDays: Int { policy.keepDays }
    fileprivate var keepLast: Int { policy.keepLast }
}
