import Foundation

/// A client's standard input that stops half-way until it is let go on: what happens then, happens in the middle of
/// a deposit.
final class GatedInput {
    private let pipe = Pipe()
    private let rest: Data

    var reading: FileHandle { pipe.fileHandleForReading }

    init(_ bytes: Data, stopAfter count: Int) {
        // A reader that was killed shows as an error of the write.
        signal(SIGPIPE, SIG_IGN)
        rest = Data(bytes.dropFirst(count))
        let (writing, first) = (pipe.fileHandleForWriting, Data(bytes.prefix(count)))
        Thread.detachNewThread { try? writing.write(contentsOf: first) }
    }

    /// - Precondition: what comes before the stop has been read.
    func goOn() {
        let (writing, rest) = (pipe.fileHandleForWriting, rest)
        Thread.detachNewThread {
            try? writing.write(contentsOf: rest)
            try? writing.close()
        }
    }
}
