import DepotCore
import NIOCore
import NIOPosix

// Hashing is what a client's processors do most. It has threads of its own, one a core: on the pool
// that runs the tasks it would hold up everything else.

/// Threads that hash and that read files.
public final class BlockingThreads: Sendable {
    private let hashers: NIOThreadPool
    private let readers: NIOThreadPool
    private let count: Int

    public init(count: Int = System.coreCount) {
        self.count = count
        hashers = NIOThreadPool(numberOfThreads: count)
        readers = NIOThreadPool(numberOfThreads: 2)
        hashers.start()
        readers.start()
    }

    public func shutDown() async {
        // Threads that do not end do not matter any more: the process is about to.
        try? await hashers.shutdownGracefully()
        try? await readers.shutdownGracefully()
    }

    /// Names chunks by their hashes, on all threads.
    func name(_ chunks: [ByteBuffer]) async throws(DepotError) -> [VerifiedObject] {
        try await spread(chunks) { VerifiedObject(hashing: $0) }
    }

    /// Hashes what came. `nil` where it is not what its id says.
    func verify(_ chunks: [StoredObject?]) async throws(DepotError) -> [VerifiedObject?] {
        try await spread(chunks) { object in
            guard let object, case .memory(let parts) = object.bytes else { return nil }
            do throws(DepotError) {
                var verifier = try ObjectVerifier(expecting: object.id, length: object.length)
                for part in parts { verifier.append(part) }
                return try verifier.finish()
            } catch {
                return nil
            }
        }
    }

    /// Each thread takes the next one that is left, in stretches.
    private func spread<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) -> Result
    ) async throws(DepotError) -> [Result] {
        let size = max(1, (items.count + count - 1) / count)
        let stretches = stride(from: 0, to: items.count, by: size).map {
            items[$0..<min($0 + size, items.count)]
        }
        do {
            return try await withThrowingTaskGroup(of: (Int, [Result]).self) { group in
                for (index, stretch) in stretches.enumerated() {
                    group.addTask { [hashers] in
                        (index, try await hashers.runIfActive { stretch.map(work) })
                    }
                }
                var results = [[Result]](repeating: [], count: stretches.count)
                for try await (index, part) in group { results[index] = part }
                return results.flatMap { $0 }
            }
        } catch {
            throw DepotError(.unreachable, "given up", cause: error)
        }
    }

    /// Runs what may block on a file.
    public func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let result: Result<Value, DepotError>
        do {
            result = try await readers.runIfActive {
                do throws(DepotError) {
                    return .success(try body())
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw DepotError(.unreachable, "given up", cause: error)
        }
        return try result.get()
    }
}
