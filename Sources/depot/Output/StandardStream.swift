import DepotCore
import Glibc

/// One of the three streams that every process is given.
enum StandardStream: Int32, CaseIterable {
    case input = 0
    case output = 1
    case error = 2

    private var name: String {
        switch self {
        case .input: "standard input"
        case .output: "standard output"
        case .error: "standard error"
        }
    }

    /// Writes all of it: when this returns, the system has it.
    ///
    /// - Throws: what became of the rest.
    func write(_ text: String) throws(DepotError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                waitForRoom()
            } else if errno != EINTR {
                throw .file("cannot be written", name)
            }
        }
    }

    /// Another process that has the same terminal or pipe may have made it one that does not wait.
    private func waitForRoom() {
        var waiting = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waiting, 1, -1)
    }

    /// A process may be started without one of them. The next file or connection that is opened
    /// would be taken for it, and get what was meant for people. In its place stands one of which
    /// nothing can be read, or to which nothing can be written.
    static func fillGaps() {
        for stream in allCases where fcntl(stream.rawValue, F_GETFD) == -1 {
            // The lowest number that is free, which is this one.
            _ = open("/dev/null", stream == .input ? O_WRONLY : O_RDONLY)
        }
    }
}
