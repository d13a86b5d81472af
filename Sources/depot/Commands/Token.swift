import ArgumentParser
import DepotCore
import FoundationEssentials
import Glibc

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say who may do what, and make random tokens.",
        discussion: """
            The token that serve was started with lets its holder do everything. Others are made \
            with it, for one machine or one purpose each, and are taken away one by one.

            Given files, or nothing, it makes random tokens for serve and replica.

            EXAMPLES:
              depot token cluster.token client.token
              depot token create laptop --append --prefix backups/laptop --expires 365d
              depot token list
              depot token revoke laptop
            """,
        subcommands: [
            Random.self, CreateToken.self, ListTokens.self, RotateToken.self, RevokeToken.self,
        ], defaultSubcommand: Random.self)

    struct Random: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make random tokens.",
            discussion: """
                Each file that is not there is made, readable for its owner only. Without files, \
                one is written out.

                EXAMPLES:
                  depot token random cluster.token   # or, shorter, depot token cluster.token
                """)

        @Argument(help: "Files to write tokens to.", completion: .file()) var files: [String] = []

        func run() throws {
            if files.isEmpty { Output.line(RandomToken.text()) }
            for file in files { try RandomToken.make(file) }
        }
    }
}

/// Random secrets.
enum RandomToken {
    /// 256 bits from the system's generator.
    static func text() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Leaves a file alone that is there; two that start at once end with the same token.
    static func make(_ path: String) throws(DepotError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0, errno == EEXIST { return }
        guard descriptor >= 0 else { throw .file("cannot be made", path) }
        defer { close(descriptor) }
        let text = text() + "\n"
        guard write(descriptor, text, text.utf8.count) == text.utf8.count, fsync(descriptor) == 0
        else {
            let cause = errno
            unlink(path)
            throw .file("cannot be written", path, errno: cause)
        }
    }
}
