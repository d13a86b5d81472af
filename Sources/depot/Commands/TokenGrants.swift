import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

/// Where a new token goes. Its holder alone has it: the FileServer is told its SHA-256.
struct NewTokenOptions: ParsableArguments {
    @Option(
        help: "Write the token to this file, for its owner only; one that is there is used.")
    var file: String?

    /// - Returns: the token, and what a person or program is to be shown of it.
    func make() throws(DepotError) -> (token: AccessToken, shown: String?) {
        guard let file else {
            let text = RandomToken.text()
            return (try AccessToken(text), text)
        }
        try RandomToken.make(file)
        return (try Secret.read(file: file), nil)
    }
}

struct CreateToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a token that does one thing.",
        discussion: """
            Each scope has what those before it have:

              --observe watch metrics, status and coverage: no file is seen
              --read    list and retrieve
              --append  deposit new names: nothing is replaced, deleted or lowered by it
              --write   replace, delete, undelete and lock files, and change their levels
              --admin   everything: purge, collect, verify, drain, make tokens

            With prefixes it reaches those names and everything below them, and nothing tells its \
            holder what else there is. The token is shown once.

            EXAMPLES:
              depot token create laptop --append --prefix backups/laptop --expires 365d
              depot token create web --read --prefix public --prefix images --file web.token
              depot token create prometheus --observe --file prometheus.token
            """)

    enum Scope: String, EnumerableFlag {
        case observe, read, append, write, admin

        static func help(for value: Scope) -> ArgumentHelp? {
            switch value {
            case .observe: "Watch metrics, status and coverage, and see no file."
            case .read: "List and retrieve."
            case .append: "Deposit new names, too."
            case .write: "Replace, delete and lock, too."
            case .admin: "Everything."
            }
        }

        var access: AccessScope {
            switch self {
            case .observe: .observe
            case .read: .read
            case .append: .append
            case .write: .write
            case .admin: .admin
            }
        }
    }

    @Argument(help: "What people call it.") var name: String
    @Flag(exclusivity: .exclusive) var scope: Scope
    @Option(help: "A name that it reaches, with everything below; once for each. Else everything.")
    var prefix: [String] = []
    @Option(
        help: ArgumentHelp(
            "After so long, as 90d, or at that time, as 2027-01-01, it lets nobody in.",
            valueName: "time"),
        transform: Instant.parseFuture)
    var expires: Instant?
    @OptionGroup var new: NewTokenOptions
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let name = try TokenName(name)
        var prefixes: [FileName] = []
        for text in prefix {
            guard let root = try PolicyScope(prefix: text).root else {
                throw DepotError(
                    .invalidArgument, "without --prefix a token reaches everything", object: text)
            }
            prefixes.append(root)
        }
        let client = try options.client()
        let (token, shown) = try new.make()
        let made = try await client.createToken(
            NewTokenBody(
                name: name, scope: scope.access, prefixes: prefixes, expires: expires?.seconds,
                digest: token.digest))
        MadeToken(token: shown, grant: made).show(options.output)
    }
}

struct RotateToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Put a new token in the place of one, with the same scope and prefixes.",
        discussion: """
            The old one stays good for the overlap, so that its holder can be given the new one.

            EXAMPLES:
              depot token rotate laptop --overlap 1d
            """)

    @Argument(help: "Its name.", completion: .tokenNames) var name: String
    @Option(
        help: ArgumentHelp("So long the old one stays good.", valueName: "time"),
        transform: TimeSpan.parse)
    var overlap = TimeSpan(.zero)
    @OptionGroup var new: NewTokenOptions
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let name = try TokenName(name)
        let client = try options.client()
        let (token, shown) = try new.make()
        let made = try await client.rotateToken(
            name, RotationBody(digest: token.digest, overlapSeconds: overlap.seconds))
        MadeToken(token: shown, grant: made).show(options.output)
    }
}

struct ListTokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens: who may do what, and until when.",
        discussion: """
            EXAMPLES:
              depot token list
            """)

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let list = try await options.client().tokens()
        if options.output.json { return Output.json(list) }
        guard !options.output.quiet else { return }
        guard !list.tokens.isEmpty else {
            return Output.line("no tokens but the one that serve was started with")
        }
        Output.table(
            [["NAME", "SCOPE", "STATE", "MADE", "EXPIRES", "REACHES"]]
                + list.tokens.map { token in
                    [
                        token.name.text, token.scope.rawValue, token.state.rawValue,
                        Output.time(token.created), token.expires.map(Output.time) ?? "never",
                        token.reachWords,
                    ]
                })
    }
}

struct RevokeToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Let nobody in with these tokens any more.",
        discussion: """
            A request that has begun comes to its end; the next one is refused.

            EXAMPLES:
              depot token revoke laptop
            """)

    @Argument(help: "Their names.", completion: .tokenNames) var names: [String]
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let names = try names.map { text throws(DepotError) in try TokenName(text) }
        let client = try options.client()
        for name in names {
            try await client.revokeToken(name)
            if !options.output.quiet, !options.output.json { Output.line("\(name.text)  revoked") }
        }
        if options.output.json { Output.json(["revoked": names.map(\.text)]) }
    }
}

/// A token as it is shown when it was made.
private struct MadeToken: Encodable {
    /// `nil` where it went to a file.
    let token: String?
    let grant: TokenBody

    func show(_ output: OutputOptions) {
        if output.json { return Output.json(self) }
        if let token { Output.line(token) }
        guard !output.quiet else { return }
        let end = grant.expires.map { ", until \(Output.timestamp($0))" } ?? ""
        Output.note(
            "'\(grant.name.text)' may \(grant.scope.words) \(grant.reachWords)\(end)"
                + (token == nil ? "" : "; it is shown this once"))
    }
}

extension TokenBody {
    fileprivate var reachWords: String {
        prefixes.isEmpty ? "everything" : prefixes.map(\.text).joined(separator: " ")
    }
}

extension AccessScope {
    fileprivate var words: String {
        switch self {
        case .observe: "watch"
        case .read: "list and retrieve"
        case .append: "list, retrieve, and add to"
        case .write: "list, retrieve, and change"
        case .admin: "administer"
        }
    }
}
