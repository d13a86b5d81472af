import DepotCluster
import DepotCore
import DepotWire
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The body of a request, read once, by one task. Memory for its bytes is there before they are
/// read.
final class IncomingBody {
    /// What a body that is read whole takes of memory, with what is made of it, for each of its
    /// bytes.
    private static let wholeFactor = 4

    /// What the client declared, if it did.
    let declared: UInt64?
    /// Whether the client waits to be asked for it.
    let expectsContinue: Bool
    private(set) var received: UInt64 = 0
    private var isOver: Bool
    private var iterator: RequestBody.AsyncIterator
    private let digest: String?
    private let path: String
    private let transfer: Transfer
    /// For bodies that are read whole.
    private let memory: MemoryBudget
    private var loan: MemoryLoan?
    private var factor = 1

    init(_ request: Request, _ transfer: Transfer, memory: MemoryBudget) {
        digest = request.headers[own: .bodyDigest]
        path = request.uri.path
        declared = request.headers[.contentLength].flatMap { UInt64($0) }
        expectsContinue = request.headers[.expect]?.lowercased() == "100-continue"
        isOver = declared == 0 || declared == nil && request.headers[.transferEncoding] == nil
        iterator = request.body.makeAsyncIterator()
        self.transfer = transfer
        self.memory = memory
    }

    /// Whom memory is lent to for it.
    var borrower: Borrower { transfer.borrower }

    /// Has its bytes go into memory that is lent.
    ///
    /// - Parameter factor: what each byte takes.
    func takes(_ loan: MemoryLoan, factor: Int = 1) {
        self.loan = loan
        self.factor = factor
        transfer.takes { loan.isWanted }
    }

    /// Nothing of it is in memory any more, or little.
    func isDone() {
        loan = nil
        transfer.takes(nil)
    }

    /// - Throws: `invalidArgument` where it is not as HTTP has it, or ends before it should; `busy`
    ///   where there is no memory for it, or it comes too slowly.
    func next() async throws(DepotError) -> ByteBuffer? {
        if isOver { return nil }
        let rest = declared.map { Int(clamping: $0 - min(received, $0)) } ?? MemoryLoan.partMax
        try await loan?.prepare(min(rest, MemoryLoan.partMax) * factor)
        if let part = try await nextPart() {
            loan?.use(part.readableBytes * factor)
            return part
        }
        // The framework takes the end of a connection for the end of a body.
        if let declared, received < declared {
            throw DepotError(
                .invalidArgument,
                "the body was cut short: \(declared) bytes were declared, \(received) came")
        }
        isOver = true
        return nil
    }

    private func nextPart() async throws(DepotError) -> ByteBuffer? {
        transfer.awaitBody()
        var bytes = 0
        defer { transfer.took(bytes) }
        do {
            while let part = try await iterator.next() {
                bytes += part.readableBytes
                received += UInt64(part.readableBytes)
                if part.readableBytes > 0 { return part }
            }
            return nil
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(
                .unreachable, "the connection ended in the middle of the body", cause: error)
        }
    }

    /// All of it, for bodies that are small.
    ///
    /// - Throws: `tooLarge`, without reading on; `unreachable` where it was changed on its way.
    func collect(atMost limit: Int) async throws(DepotError) -> ByteBuffer {
        try refuse(larger: limit)
        let size = min(declared.map { Int(clamping: $0) } ?? limit, limit)
        if size * Self.wholeFactor > MemoryLoan.unasked {
            takes(
                memory.loan(upTo: size * Self.wholeFactor, for: borrower),
                factor: Self.wholeFactor)
        }
        var whole = ByteBuffer()
        while var part = try await next() {
            guard whole.readableBytes + part.readableBytes <= limit else { throw Self.large(limit) }
            whole.writeBuffer(&part)
        }
        try BodyDigest.check(whole, against: digest, from: path)
        return whole
    }

    private func refuse(larger limit: Int) throws(DepotError) {
        if let declared, declared > UInt64(limit) { throw Self.large(limit) }
    }

    private static func large(_ limit: Int) -> DepotError {
        DepotError(.tooLarge, "this request's body may have \(limit) bytes at most")
    }
}
