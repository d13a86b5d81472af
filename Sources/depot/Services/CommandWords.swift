import DepotCore
import Glibc

// Swift's strings are Unicode, and repair what is not: a path that is no UTF-8 became another path,
// which was not there, or was made. Names of depot's are UTF-8; a path that is not cannot be given
// to it.

/// What a command was called with, refused where it cannot be passed on as it is.
enum CommandWords {
    /// The words behind the command's own name.
    ///
    /// - Throws: `invalidArgument`, naming the first that is no UTF-8.
    static func arguments() throws(DepotError) -> [String] {
        var words: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let word = CommandLine.unsafeArgv[index] else { break }
            words.append(try text(word, "this argument"))
        }
        return words
    }

    /// - Throws: `invalidArgument` for a value that is no UTF-8.
    static func environment(_ variable: String) throws(DepotError) -> String? {
        guard let value = getenv(variable) else { return nil }
        return try text(value, "the value of \(variable)")
    }

    private static func text(
        _ pointer: UnsafePointer<CChar>, _ what: String
    ) throws(DepotError) -> String {
        if let text = String(validatingCString: pointer) { return text }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: strlen(pointer))
        throw DepotError(
            .invalidArgument,
            "\(what) is not UTF-8, and depot knows nothing else; rename the file or folder, or "
                + "reach it by a symbolic link with another name. Nothing was done",
            object: String(marking: bytes))
    }
}
