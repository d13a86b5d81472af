// A body in chunks has lines between them, and these may have extensions of any length, which
// nobody reads: 200 MiB of them were taken for a body of five bytes. So what comes beside a body is
// compared with it (RFC 9112, 7.1.1: a server ought to limit them).

/// How much may come with a body that is none of it. Pure.
struct FramingBound {
    /// Whatever the body is: trailers, and an extension that means something.
    static let allowance = 64 << 10
    /// For each byte of the body: a chunk of one byte has five more around it, and may have two lines
    /// of a few bytes.
    static let factor = 16

    private let start: Int
    private var delivered = 0

    /// - Parameter received: of the connection, when the body begins.
    init(at received: Int) { start = received }

    mutating func took(_ count: Int) { delivered += count }

    /// - Parameter received: of the connection by now.
    func isExceeded(at received: Int) -> Bool {
        let beside = received - start - delivered
        return beside > Self.allowance && (beside - Self.allowance) / Self.factor > delivered
    }
}
