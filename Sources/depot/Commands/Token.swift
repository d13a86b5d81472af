import ArgumentParser
import DepotCore
import FoundationEssentials
import Glibc

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make random tokens.",
        discussion:
            "Each file that is not there is made, readable for its owner only. Without files, one "
            + "is written out.")

    @Argument(help: "Files to write tokens to.") var files: [String] = []

    func run() throws {
        if files.isEmpty { Output.line(Self.random()) }
        for file in files { try Self.make(file) }
    }

    /// 256 bits from the system's generator.
    static func random() -> String {
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
        let text = random() + "\n"
        guard write(descriptor, text, text.utf8.count) == text.utf8.count, fsync(descriptor) == 0
        else {
            let cause = errno
            unlink(path)
            throw .file("cannot be written", path, errno: cause)
        }
    }
}
