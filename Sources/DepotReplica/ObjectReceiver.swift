import DepotCore
import DepotWire
import NIOCore

// Objects are received on the event loop. Memory is reserved for an object's declared length before
// its bytes are taken, each part is hashed when it arrives, and whole objects go to the storage,
// small ones together. While memory is not granted, or much waits for the storage, the connection
// is not read.

/// One request's objects on their way into the storage.
final class ObjectReceiver {
    /// Small objects go to the storage together, about so many bytes at a time: one append for
    /// many.
    private static let putBytes = 1 << 20
    /// Bytes under way to the storage at most: with more, the connection is not read.
    private static let underWayMax = 16 << 20

    private let context: ReplicaContext
    private let loop: any EventLoop
    private var parser = ObjectFrameParser()
    private var verifier: ObjectVerifier?
    private var batch: [VerifiedObject] = []
    private var batchBytes = 0
    private var underWay = 0
    /// Reserved for the object that is being received.
    private var reserved = 0
    private var isWaitingForMemory = false
    /// Whether the sender may put objects here. That is checked while the first ones arrive.
    private var isAdmitted = false
    /// Whether the request was read to its end.
    private(set) var hasEnded = false
    private var result: Result<Void, DepotError>?
    /// Called on the event loop, once, when every object was appended or something failed.
    var onEnd: ((Result<Void, DepotError>) -> Void)?
    /// Called on the event loop when the connection may be read again.
    var onRoom: (() -> Void)?

    init(context: ReplicaContext, loop: any EventLoop) {
        self.context = context
        self.loop = loop
    }

    var isFull: Bool {
        result == nil && (isWaitingForMemory || underWay + batchBytes >= Self.underWayMax)
    }

    /// The sender may put objects here: the objects that wait go to the storage.
    func admit() {
        isAdmitted = true
        // The memory that the next object waits for may be lent to the objects that wait here.
        if batchBytes >= Self.putBytes || isWaitingForMemory { put() }
        advance()
        onRoom?()
    }

    func receive(_ bytes: ByteBuffer) {
        guard result == nil else { return }
        parser.append(bytes)
        advance()
    }

    /// The request's body has ended.
    func end() {
        hasEnded = true
        advance()
    }

    /// The connection is gone, or the response was given: nothing more is taken.
    func abandon() {
        fail(DepotError(.unreachable, "the connection ended"))
    }

    private func advance() {
        guard result == nil, !isWaitingForMemory else { return }
        do throws(DepotError) {
            while !isWaitingForMemory, let event = try parser.next() { try take(event) }
            guard hasEnded, !isWaitingForMemory else { return }
            try parser.finish()
            put()
            if isAdmitted, underWay == 0 { finish(.success(())) }
        } catch {
            fail(error)
        }
    }

    private func take(_ event: ObjectFrameParser.Event) throws(DepotError) {
        switch event {
        case .begin(let frame):
            guard frame.status == .present else {
                throw DepotError(
                    .invalidArgument, "an object was sent without its bytes",
                    object: frame.id.hash.hex)
            }
            verifier = try ObjectVerifier(expecting: frame.id, length: frame.length)
            reserve(frame.length)
        case .content(let bytes): verifier?.append(bytes)
        case .end:
            guard let verifier = verifier.take() else { return }
            batch.append(try verifier.finish())
            batchBytes += reserved
            reserved = 0
            if batchBytes >= Self.putBytes { put() }
        }
    }

    private func reserve(_ bytes: Int) {
        if context.budget.tryReserve(bytes) {
            reserved = bytes
            return
        }
        // The objects that are here already may have the memory.
        put()
        isWaitingForMemory = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task { [context, loop] in
            let result: Result<Void, DepotError>
            do throws(DepotError) {
                try await context.budget.reserve(
                    bytes, within: context.configuration.memoryPatience)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            loop.execute { bound.value.granted(bytes, result) }
        }
    }

    private func granted(_ bytes: Int, _ outcome: Result<Void, DepotError>) {
        isWaitingForMemory = false
        guard case .success = outcome, result == nil else {
            if case .success = outcome { context.budget.release(bytes) }
            if case .failure(let error) = outcome { fail(error) }
            return
        }
        reserved = bytes
        advance()
        onRoom?()
    }

    private func put() {
        guard isAdmitted, !batch.isEmpty else { return }
        let (objects, bytes) = (batch, batchBytes)
        batch = []
        batchBytes = 0
        underWay += bytes
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task { [context, loop] in
            let result: Result<Void, DepotError>
            do throws(DepotError) {
                try await context.storage.put(objects)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            loop.execute { bound.value.putEnded(bytes, result) }
        }
    }

    private func putEnded(_ bytes: Int, _ outcome: Result<Void, DepotError>) {
        underWay -= bytes
        context.budget.release(bytes)
        guard result == nil else { return }
        if case .failure(let error) = outcome { return fail(error) }
        if hasEnded, underWay == 0, batch.isEmpty, !isWaitingForMemory {
            finish(.success(()))
        } else {
            onRoom?()
        }
    }

    private func fail(_ error: DepotError) {
        guard result == nil else { return }
        context.budget.release(reserved + batchBytes)
        (reserved, batchBytes) = (0, 0)
        batch = []
        verifier = nil
        finish(.failure(error))
    }

    private func finish(_ outcome: Result<Void, DepotError>) {
        guard result == nil else { return }
        result = outcome
        let ended = onEnd
        onEnd = nil
        onRoom = nil
        ended?(outcome)
    }
}
